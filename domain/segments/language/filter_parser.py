"""Parse a caller's filter to a condition tree, with every fault and its path."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar, cast
from uuid import UUID

from domain.kit.clock import midnight
from domain.kit.errors import DomainError, ErrorCode, Path
from domain.kit.values import ValueType
from domain.segments.catalogue import BehaviorEntry, Catalogue
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
from domain.segments.language.values import InvalidValue, quoted, read_moment, read_value

DEPTH = 10
CONDITIONS = 100

ReadId = Callable[[str, str], UUID | None]
E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_KINDS = ("all", "any", "not", "attribute", "behavior", "membership")


def plain_id(_: str, text: str) -> UUID | None:
    """Read an ID as it is stored; the API has its own way of writing them."""
    try:
        return UUID(text)
    except ValueError:
        return None


class _InvalidPart(Exception):
    """This part has a fault, which is recorded; the parts beside it are read on."""


@dataclass(slots=True)
class FilterParser:
    """Reads filters against a catalogue; what one definition may have at most is counted over all of them."""

    catalogue: Catalogue
    timezone: str
    property_conditions: int
    read_id: ReadId = plain_id
    faults: list[DomainError] = field(default_factory=list[DomainError])
    _conditions: int = 0
    _properties: set[str] = field(default_factory=set[str])

    def read(self, raw: object, path: Path) -> Filter | None:
        """Return the tree; None, and an entry in `faults`, when something is wrong with it."""
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
        fields = self._fields(raw, path)
        unknown = [key for key in fields if key not in _KINDS]
        if unknown or len(fields) != 1:
            wrong = f"{unknown[0]!r} is none of a filter's fields: give" if unknown else "A filter has"
            raise self._refuse(f"{wrong} exactly one of {', '.join(_KINDS)}", path)
        [(kind, inner)] = fields.items()
        path = (*path, kind)
        match kind:
            case "all":
                return AllOf(self._group(inner, path, depth))
            case "any":
                return AnyOf(self._group(inner, path, depth))
            case "not":
                return Not(self._filter(inner, path, depth + 1))
            case _:
                pass
        self._conditions += 1
        if self._conditions > CONDITIONS:
            message = f"The filter has more than {CONDITIONS} conditions"
            raise self._refuse(message, path, ErrorCode.LIMIT_EXCEEDED)
        readers: dict[str, Callable[[Mapping[str, object], Path], Filter]] = {
            "attribute": self._attribute,
            "behavior": self._behavior,
            "membership": self._membership,
        }
        return readers[kind](self._fields(inner, path), path)

    def _group(self, raw: object, path: Path, depth: int) -> tuple[Filter, ...]:
        parts = self._list(raw, path)
        if not parts:
            raise self._refuse("A group needs a condition", path, ErrorCode.REQUIRED)
        return self._read_each(parts, path, lambda part, part_path: self._filter(part, part_path, depth + 1))

    def _fields(self, raw: object, path: Path) -> dict[str, object]:
        """Return an object's fields that are not null."""
        if not isinstance(raw, dict):
            raise self._refuse("Write an object here", path, ErrorCode.REQUIRED if raw is None else ErrorCode.INVALID)
        fields = cast("dict[object, object]", raw)
        return {str(key): value for key, value in fields.items() if value is not None}

    def _list(self, raw: object, path: Path) -> Sequence[object]:
        if not isinstance(raw, (list, tuple)):
            raise self._refuse("Write a list here", path)
        return tuple(cast("Sequence[object]", raw))

    def _read_each(self, parts: Sequence[object], path: Path, read: Callable[[object, Path], T]) -> tuple[T, ...]:
        """Read every part, so that every fault is found, before it is refused."""
        results: list[T] = []
        for index, part in enumerate(parts):
            try:
                results.append(read(part, (*path, index)))
            except _InvalidPart:
                if len(self.faults) > CONDITIONS:
                    raise
        if len(results) != len(parts):
            raise _InvalidPart
        return tuple(results)

    def _attribute(self, fields: Mapping[str, object], path: Path) -> AttributeCondition:
        key = self._text(fields.get("dimension"), (*path, "dimension"))
        entry = self.catalogue.dimensions.get(key)
        if entry is None:
            message = f"There is no dimension {key[:100]!r}{near(key[:100], self.catalogue.dimensions)}"
            raise self._refuse(message, (*path, "dimension"), ErrorCode.NOT_FOUND)
        if key.startswith("property."):
            # At most five custom properties in one filter, unless the store's limit was raised (QS-04).
            self._properties.add(key)
            if len(self._properties) > self.property_conditions:
                message = f"The filter names more than {self.property_conditions} custom properties"
                raise self._refuse(message, (*path, "dimension"), ErrorCode.LIMIT_EXCEEDED)
        return self._compare(entry, fields, path)

    def _compare(self, entry: CatalogueEntry, fields: Mapping[str, object], path: Path) -> AttributeCondition:
        operator = self._choice(Operator, fields.get("operator"), (*path, "operator"))
        if operator not in entry.operators:
            message = f"{operator.value} does not go with {entry.key}: choose of {', '.join(entry.operators)}"
            raise self._refuse(message, (*path, "operator"))
        path = (*path, "values")
        raw = fields.get("values")
        raw_values = self._list(() if raw is None else raw, path)
        wrong = wrong_number(operator, len(raw_values), entry.max_values)
        if wrong is not None:
            raise self._refuse(wrong.message, path, wrong.code)
        values = self._read_each(
            raw_values, path, lambda value, value_path: self._value(entry, operator, value, value_path)
        )
        if operator is Operator.BETWEEN and not in_order(entry, values):
            raise self._refuse("BETWEEN takes the lower end first", path)
        return AttributeCondition(entry.key, operator, values)

    def _value(self, entry: CatalogueEntry, operator: Operator, raw: object, path: Path) -> Value:
        if operator in WHOLE:
            low, high, name = WHOLE[operator]
            if isinstance(raw, int) and not isinstance(raw, bool) and low <= raw <= high:
                return raw
            raise self._refuse(f"{operator.value} takes {name} from {low} to {high}", path)
        value = read_value(entry.type, raw)
        if isinstance(value, InvalidValue):
            raise self._refuse(f"{quoted(raw)} {value.reason}", path)
        reason = wrong_value(entry, operator, value)
        if reason is not None:
            raise self._refuse(f"{quoted(raw)} {reason}", path)
        if entry.refers_to is None or not isinstance(value, str):
            return value
        # Named by its ID in the API, and in events as it is stored.
        stored_id = self.read_id(entry.refers_to, value)
        return value if stored_id is None else str(stored_id)

    def _behavior(self, fields: Mapping[str, object], path: Path) -> BehaviorCondition:
        key = self._text(fields.get("behavior"), (*path, "behavior"))
        behavior = self.catalogue.behavior(key)
        if behavior is None:
            raise self._refuse(
                f"{key[:100]!r} is no behavior's name: 1 to 64 characters, no control characters",
                (*path, "behavior"),
            )

        def read_where(raw: object, where_path: Path) -> AttributeCondition:
            self._conditions += 1
            attribute = self._fields(raw, where_path)
            name = self._text(attribute.get("dimension"), (*where_path, "dimension"))
            entry = behavior.attribute(name, self._list(attribute.get("values", ()), (*where_path, "values")))
            if entry is None:
                suggestion = near(name[:100], [known.key for known in behavior.attributes])
                message = f"{behavior.key} has no attribute {name[:100]!r}{suggestion}"
                raise self._refuse(message, (*where_path, "dimension"), ErrorCode.NOT_FOUND)
            return self._compare(entry, attribute, where_path)

        raw_where = self._list(fields.get("where") or (), (*path, "where"))
        where = self._read_each(raw_where, (*path, "where"), read_where)
        aggregate = self._choice(Aggregate, fields.get("aggregate", Aggregate.COUNT), (*path, "aggregate"))
        of = self._of(behavior, aggregate, fields.get("of"), (*path, "of"))
        compared = {"operator": fields.get("operator", Operator.GTE), "values": fields.get("values", [1])}
        comparison = self._compare(measure_of(aggregate), compared, path)
        window = self._window(fields.get("window"), (*path, "window"))
        return BehaviorCondition(key, where, aggregate, of, comparison.operator, comparison.values, window)

    def _of(self, behavior: BehaviorEntry, aggregate: Aggregate, raw: object, path: Path) -> str | None:
        if aggregate in {Aggregate.COUNT, Aggregate.FIRST, Aggregate.LAST, Aggregate.SHARE}:
            if raw is not None:
                raise self._refuse(f"{aggregate.value} is of the behavior itself: leave `of` out", path)
            return None
        key = self._text(raw, path)
        entry = behavior.attribute(key, ["text"] if aggregate is Aggregate.DISTINCT else [0])
        if entry is None or (aggregate is not Aggregate.DISTINCT and entry.type is not ValueType.NUMBER):
            numbers = [attribute.key for attribute in behavior.attributes if attribute.type is ValueType.NUMBER]
            choose = f": choose of {', '.join(numbers)}" if numbers else ""
            raise self._refuse(f"{key[:100]!r} is no number of {behavior.key}{choose}", path)
        return key

    def _window(self, raw: object, path: Path) -> Window:
        fields = self._fields({} if raw is None else raw, path)
        if "lastDays" in fields or "lastHours" in fields:
            if len(fields) > 1:
                raise self._refuse("A window has one of lastDays and lastHours, or from and to", path)
            [(key, count)] = fields.items()
            unit, least, most = ("days", 0, DAYS) if key == "lastDays" else ("hours", 1, HOURS)
            if isinstance(count, bool) or not isinstance(count, int) or not least <= count <= most:
                raise self._refuse(f"Write a number of {unit} from {least} to {most}", (*path, key))
            return Window(last_days=count) if key == "lastDays" else Window(last_hours=count)
        since = self._instant(fields.get("from"), (*path, "from"), ends=False)
        until = self._instant(fields.get("to"), (*path, "to"), ends=True)
        if since is not None and until is not None and since >= until:
            raise self._refuse("The window ends before it begins", path)
        return ALL_TIME if since is None and until is None else Window(since=since, until=until)

    def _instant(self, raw: object, path: Path, *, ends: bool) -> datetime | None:
        """Read an instant; a day begins a window with its first moment, and ends one with its last."""
        if raw is None:
            return None
        moment = read_moment(raw.isoformat() if isinstance(raw, datetime) else raw)
        if isinstance(moment, InvalidValue):
            raise self._refuse(f"{quoted(raw)} {moment.reason}", path)
        return moment if isinstance(moment, datetime) else midnight(moment + timedelta(days=ends), self.timezone)

    def _membership(self, fields: Mapping[str, object], path: Path) -> MembershipCondition:
        names = [key for key in ("segmentId", "listId") if key in fields]
        if len(names) != 1:
            raise self._refuse("Give either segmentId or listId", path)
        member = fields.get("member", True)
        if not isinstance(member, bool):
            raise self._refuse("Write true or false", (*path, "member"))
        [name] = names
        stored_id = self.read_id("Segment" if name == "segmentId" else "CustomerList", str(fields[name])[:200])
        if stored_id is None:
            kind = "segment" if name == "segmentId" else "list"
            raise self._refuse(f"There is no such {kind}", (*path, name), ErrorCode.NOT_FOUND)
        if name == "segmentId":
            return MembershipCondition(segment_id=stored_id, member=member)
        return MembershipCondition(list_id=stored_id, member=member)

    def _text(self, raw: object, path: Path) -> str:
        if not isinstance(raw, str) or not raw:
            raise self._refuse("Write a name here", path, ErrorCode.REQUIRED)
        return raw

    def _choice(self, kind: type[E], raw: object, path: Path) -> E:
        if not isinstance(raw, str) or raw not in set(kind):
            raise self._refuse(f"{quoted(raw)} is none of {', '.join(kind)}", path)
        return kind(raw)
