"""From what a caller sends to a condition tree, with every fault and its path."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar, cast
from uuid import UUID

from domain.kit.clock import midnight
from domain.kit.errors import DomainError, ErrorCode, Path
from domain.kit.values import ValueType
from domain.segments.catalogue import BehaviorEntry as KnownBehavior
from domain.segments.catalogue import Catalogue
from domain.segments.catalogue.entries import CatalogueEntry, near, wrong_value
from domain.segments.filters import (
    ALL_TIME,
    Aggregate,
    AllOf,
    AnyOf,
    AttributeCondition,
    BehaviorCondition,
    Filter,
    MembershipCondition,
    Not,
    Operator,
    Value,
    Window,
)
from domain.segments.language.operators import DAYS, HOURS, WHOLE, in_order, measure_of, wrong_number
from domain.segments.language.values import Wrong, read_moment, read_value, shown

DEPTH = 10
CONDITIONS = 100

ReadId = Callable[[str, str], UUID | None]
E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_KINDS = ("all", "any", "not", "attribute", "behavior", "membership")


def plain_id(_: str, text: str) -> UUID | None:
    """IDs as they are stored; the API has its own way of writing them."""
    try:
        return UUID(text)
    except ValueError:
        return None


class _InvalidPart(Exception):
    """This part has a fault, which is noted; the parts beside it are read on."""


@dataclass(slots=True)
class FilterParser:
    """Reads filters against a catalogue; what one definition may hold at most is counted over all of them."""

    catalogue: Catalogue
    timezone: str
    property_conditions: int
    read_id: ReadId = plain_id
    faults: list[DomainError] = field(default_factory=list[DomainError])
    _conditions: int = 0
    _properties: set[str] = field(default_factory=set[str])

    def read(self, raw: object, path: Path) -> Filter | None:
        """The tree; None, and an entry in `faults`, when something is wrong with it."""
        try:
            return self._filter(raw, path, 1)
        except _InvalidPart:
            return None

    def _refuse(self, message: str, path: Path, code: ErrorCode = ErrorCode.INVALID) -> _InvalidPart:
        self.faults.append(DomainError(message, field=path, code=code))
        return _InvalidPart()

    def _filter(self, raw: object, path: Path, depth: int) -> Filter:
        if depth > DEPTH:
            raise self._refuse(f"The filter is nested deeper than {DEPTH} levels", path, ErrorCode.LIMIT_EXCEEDED)
        kind, inner = self._only_field(raw, path)
        here = (*path, kind)
        match kind:
            case "all":
                return AllOf(self._group(inner, here, depth))
            case "any":
                return AnyOf(self._group(inner, here, depth))
            case "not":
                return Not(self._filter(inner, here, depth + 1))
            case _:
                return self._condition(kind, inner, here)

    def _only_field(self, raw: object, path: Path) -> tuple[str, object]:
        given = self._given(raw, path)
        unknown = [key for key in given if key not in _KINDS]
        if unknown or len(given) != 1:
            wrong = f"{unknown[0]!r} is none of a filter's fields: give" if unknown else "A filter has"
            raise self._refuse(f"{wrong} exactly one of {', '.join(_KINDS)}", path)
        return next(iter(given.items()))

    def _group(self, raw: object, path: Path, depth: int) -> tuple[Filter, ...]:
        parts = self._list(raw, path)
        if not parts:
            raise self._refuse("A group needs a condition", path, ErrorCode.REQUIRED)
        return tuple(self._each(parts, path, lambda part, at: self._filter(part, at, depth + 1)))

    def _given(self, raw: object, path: Path) -> dict[str, object]:
        """An object's fields that are not null."""
        if not isinstance(raw, dict):
            raise self._refuse("Write an object here", path, ErrorCode.REQUIRED if raw is None else ErrorCode.INVALID)
        fields = cast("dict[object, object]", raw)
        return {str(key): value for key, value in fields.items() if value is not None}

    def _list(self, raw: object, path: Path) -> Sequence[object]:
        if not isinstance(raw, (list, tuple)):
            raise self._refuse("Write a list here", path)
        return tuple(cast("Sequence[object]", raw))

    def _each(self, parts: Sequence[object], path: Path, read: Callable[[object, Path], T]) -> Iterator[T]:
        """Reads every part, so that every fault is found, before it refuses."""
        found: list[T] = []
        for index, part in enumerate(parts):
            try:
                found.append(read(part, (*path, index)))
            except _InvalidPart:
                if len(self.faults) > CONDITIONS:
                    raise
        if len(found) != len(parts):
            raise _InvalidPart
        return iter(found)

    def _condition(self, kind: str, raw: object, path: Path) -> Filter:
        self._conditions += 1
        if self._conditions > CONDITIONS:
            message = f"The filter has more than {CONDITIONS} conditions"
            raise self._refuse(message, path, ErrorCode.LIMIT_EXCEEDED)
        if kind == "attribute":
            return self._attribute(raw, path)
        return self._membership(raw, path) if kind == "membership" else self._behavior(raw, path)

    def _attribute(self, raw: object, path: Path) -> AttributeCondition:
        given = self._given(raw, path)
        key = self._text(given.get("dimension"), (*path, "dimension"))
        entry = self.catalogue.dimensions.get(key)
        if entry is None:
            message = f"There is no dimension {key[:100]!r}{near(key[:100], self.catalogue.dimensions)}"
            raise self._refuse(message, (*path, "dimension"), ErrorCode.NOT_FOUND)
        self._count_property(key, (*path, "dimension"))
        return self._compare(entry, given, path)

    def _count_property(self, key: str, path: Path) -> None:
        """At most five custom properties in one filter, unless the store's limit was raised (QS-04)."""
        if not key.startswith("property."):
            return
        self._properties.add(key)
        if len(self._properties) > self.property_conditions:
            message = f"The filter names more than {self.property_conditions} custom properties"
            raise self._refuse(message, path, ErrorCode.LIMIT_EXCEEDED)

    def _compare(self, entry: CatalogueEntry, given: Mapping[str, object], path: Path) -> AttributeCondition:
        operator = self._choice(Operator, given.get("operator"), (*path, "operator"))
        if operator not in entry.operators:
            said = f"{operator.value} does not go with {entry.key}: choose of {', '.join(entry.operators)}"
            raise self._refuse(said, (*path, "operator"))
        values = self._values(entry, operator, given.get("values"), (*path, "values"))
        return AttributeCondition(entry.key, operator, values)

    def _values(self, entry: CatalogueEntry, operator: Operator, raw: object, path: Path) -> tuple[Value, ...]:
        given = self._list(() if raw is None else raw, path)
        wrong = wrong_number(operator, len(given), entry.max_values)
        if wrong is not None:
            raise self._refuse(wrong[0], path, wrong[1])
        read = tuple(self._each(given, path, lambda value, at: self._value(entry, operator, value, at)))
        if operator is Operator.BETWEEN and not in_order(entry, read):
            raise self._refuse("BETWEEN takes the lower end first", path)
        return read

    def _value(self, entry: CatalogueEntry, operator: Operator, raw: object, path: Path) -> Value:
        if operator in WHOLE:
            low, high, name = WHOLE[operator]
            if isinstance(raw, int) and not isinstance(raw, bool) and low <= raw <= high:
                return raw
            raise self._refuse(f"{operator.value} takes {name} from {low} to {high}", path)
        value = read_value(entry.type, raw)
        if isinstance(value, Wrong):
            raise self._refuse(f"{shown(raw)} {value.why}", path)
        why = wrong_value(entry, operator, value)
        if why is not None:
            raise self._refuse(f"{shown(raw)} {why}", path)
        return self._stored_id(entry, value)

    def _stored_id(self, entry: CatalogueEntry, value: Value) -> Value:
        """What is named by its ID in the API is named in events as it is stored."""
        if entry.refers_to is None or not isinstance(value, str):
            return value
        found = self.read_id(entry.refers_to, value)
        return value if found is None else str(found)

    def _behavior(self, raw: object, path: Path) -> BehaviorCondition:
        given = self._given(raw, path)
        key = self._text(given.get("behavior"), (*path, "behavior"))
        known = self.catalogue.behavior(key)
        if known is None:
            raise self._refuse(
                f"{key[:100]!r} is no behavior's name: 1 to 64 characters, no control characters",
                (*path, "behavior"),
            )
        where = self._list(given.get("where") or (), (*path, "where"))
        read = tuple(self._each(where, (*path, "where"), lambda each, at: self._where(known, each, at)))
        aggregate = self._choice(Aggregate, given.get("aggregate", Aggregate.COUNT), (*path, "aggregate"))
        of = self._of(known, aggregate, given.get("of"), (*path, "of"))
        result = measure_of(aggregate)
        compared = {"operator": given.get("operator", Operator.GTE), "values": given.get("values", [1])}
        comparison = self._compare(result, compared, path)
        window = self._window(given.get("window"), (*path, "window"))
        return BehaviorCondition(key, read, aggregate, of, comparison.operator, comparison.values, window)

    def _where(self, behavior: KnownBehavior, raw: object, path: Path) -> AttributeCondition:
        self._conditions += 1
        given = self._given(raw, path)
        key = self._text(given.get("dimension"), (*path, "dimension"))
        values = given.get("values", ())
        entry = behavior.attribute(key, self._list(values, (*path, "values")))
        if entry is None:
            meant = near(key[:100], [each.key for each in behavior.attributes])
            message = f"{behavior.key} has no attribute {key[:100]!r}{meant}"
            raise self._refuse(message, (*path, "dimension"), ErrorCode.NOT_FOUND)
        return self._compare(entry, given, path)

    def _of(self, behavior: KnownBehavior, aggregate: Aggregate, raw: object, path: Path) -> str | None:
        if aggregate in {Aggregate.COUNT, Aggregate.FIRST, Aggregate.LAST, Aggregate.SHARE}:
            if raw is not None:
                raise self._refuse(f"{aggregate.value} is of the behavior itself: leave `of` out", path)
            return None
        key = self._text(raw, path)
        entry = behavior.attribute(key, ["text"] if aggregate is Aggregate.DISTINCT else [0])
        if entry is None or (aggregate is not Aggregate.DISTINCT and entry.type is not ValueType.NUMBER):
            named = [each.key for each in behavior.attributes if each.type is ValueType.NUMBER]
            choose = f": choose of {', '.join(named)}" if named else ""
            raise self._refuse(f"{key[:100]!r} is no number of {behavior.key}{choose}", path)
        return key

    def _window(self, raw: object, path: Path) -> Window:
        given = self._given({} if raw is None else raw, path)
        if "lastDays" in given or "lastHours" in given:
            return self._relative(given, path)
        since = self._instant(given.get("from"), (*path, "from"), ends=False)
        until = self._instant(given.get("to"), (*path, "to"), ends=True)
        if since is not None and until is not None and since >= until:
            raise self._refuse("The window ends before it begins", path)
        return ALL_TIME if since is None and until is None else Window(since=since, until=until)

    def _relative(self, given: Mapping[str, object], path: Path) -> Window:
        if len(given) > 1:
            raise self._refuse("A window has one of lastDays and lastHours, or from and to", path)
        [(key, count)] = given.items()
        unit, least, most = ("days", 0, DAYS) if key == "lastDays" else ("hours", 1, HOURS)
        if isinstance(count, bool) or not isinstance(count, int) or not least <= count <= most:
            raise self._refuse(f"Write a number of {unit} from {least} to {most}", (*path, key))
        return Window(last_days=count) if key == "lastDays" else Window(last_hours=count)

    def _instant(self, raw: object, path: Path, *, ends: bool) -> datetime | None:
        """A day begins a window with its first moment, and ends one with its last."""
        if raw is None:
            return None
        read = read_moment(raw.isoformat() if isinstance(raw, datetime) else raw)
        if isinstance(read, Wrong):
            raise self._refuse(f"{shown(raw)} {read.why}", path)
        return read if isinstance(read, datetime) else midnight(read + timedelta(days=ends), self.timezone)

    def _membership(self, raw: object, path: Path) -> MembershipCondition:
        given = self._given(raw, path)
        named = [key for key in ("segmentId", "listId") if key in given]
        if len(named) != 1:
            raise self._refuse("Give either segmentId or listId", path)
        member = given.get("member", True)
        if not isinstance(member, bool):
            raise self._refuse("Write true or false", (*path, "member"))
        kind = "Segment" if named[0] == "segmentId" else "CustomerList"
        found = self.read_id(kind, str(given[named[0]])[:200])
        if found is None:
            said = "segment" if kind == "Segment" else "list"
            raise self._refuse(f"There is no such {said}", (*path, named[0]), ErrorCode.NOT_FOUND)
        return MembershipCondition(found if kind == "Segment" else None, None if kind == "Segment" else found, member)

    def _text(self, raw: object, path: Path) -> str:
        if not isinstance(raw, str) or not raw:
            raise self._refuse("Write a name here", path, ErrorCode.REQUIRED)
        return raw

    def _choice(self, kind: type[E], raw: object, path: Path) -> E:
        if not isinstance(raw, str) or raw not in set(kind):
            raise self._refuse(f"{shown(raw)} is none of {', '.join(kind)}", path)
        return kind(raw)
