"""Reads rows of events: each is one, as a client would send it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2s
from typing import TypeVar

import orjson

from domain.consents.suppressions import address_hash, external_id_hash
from domain.customers import values
from domain.customers.key import CustomerKey
from domain.events.types import event_type_of
from domain.imports.copy import key_of
from domain.imports.format import ImportKey, StagedRows
from domain.imports.model import Progress
from domain.ingestion.model import TrackedEvent
from domain.ingestion.validation import clean_event
from domain.kit.errors import DomainError
from domain.kit.values import ValueType
from domain.operations.model import Problem, ProblemOutcome

T = TypeVar("T")

ATTRIBUTE = "attributes."
_STAGED = ("store_id", "operation_id", "row", "event")
_TYPED = {ValueType.NUMBER: values.number, ValueType.BOOLEAN: values.boolean}


class EventReader:
    def __init__(self, key: ImportKey, progress: Progress, dialect: str) -> None:
        self.property_types: dict[str, list[str]] = {}
        self._key = key
        self._names = progress.columns
        self._operation_key = key_of(key.operation_id, dialect)

    def read(self, records: Iterable[tuple[int, list[str]]], part: int) -> StagedRows:
        """Return the event of each record; the part is left out, for events are merged by their rows."""
        rows: list[tuple[object, ...]] = []
        problems: list[Problem] = []
        for number, record in records:
            cells = {name: cell.strip() for name, cell in zip(self._names, record, strict=True) if cell.strip()}
            try:
                event = _event(number, cells)
                _ = clean_event(event)
            except DomainError as error:
                subject = self._subject(cells)
                problems.append(Problem(number, error.message, subject, outcome=ProblemOutcome.ROW_REFUSED))
                continue
            rows.append((self._key.store_id, self._operation_key, number, _json(event)))
        return StagedRows(_STAGED, rows, problems)

    def _subject(self, cells: Mapping[str, str]) -> bytes | None:
        """Return the hash of whose event a row is that cannot be read, as far as it says."""
        key = self._key.suppression_key, self._key.store_id
        if "external_id" in cells:
            return external_id_hash(*key, cells["external_id"])
        return address_hash(*key, cells["email"]) if "email" in cells else None


def _event(number: int, cells: Mapping[str, str]) -> TrackedEvent:
    """Return the event of a row. One without an id gets the same one whenever this row of such a file comes again."""
    name = cells.get("type", "")
    if "external_id" in cells:
        customer = CustomerKey(external_id=cells["external_id"])
    elif "email" in cells:
        customer = CustomerKey(email=cells["email"])
    else:
        raise DomainError("The row needs an external_id or an email: whose event is it?")
    moment = _named("occurred_at", values.instant, cells.get("occurred_at", ""))
    if moment is None:
        raise DomainError("occurred_at: is empty")
    types = event_type_of(name).attributes
    attributes: dict[str, object] = {}
    for field, cell in cells.items():
        if field.startswith(ATTRIBUTE):
            attribute = field.removeprefix(ATTRIBUTE)
            read = _TYPED.get(types.get(attribute, ValueType.STRING))
            attributes[attribute] = cell if read is None else _named(attribute, read, cell)
    return TrackedEvent(cells.get("id") or _made_id(number, cells), name, customer, moment, attributes)


def _named(name: str, read: Callable[[str], T], cell: str) -> T:
    """Return what is read of a cell. Raise DomainError with the name of its field."""
    try:
        return read(cell)
    except DomainError as error:
        raise DomainError(f"{name}: {error.message}") from error


def _made_id(number: int, cells: Mapping[str, str]) -> str:
    content = orjson.dumps([number, sorted(cells.items())])
    return f"row-{number}-{blake2s(content, digest_size=12).hexdigest()}"


def _json(event: TrackedEvent) -> str:
    customer = {"external_id": event.customer.external_id, "email": event.customer.email}
    fields = {
        "id": event.id,
        "type": event.type,
        **{name: value for name, value in customer.items() if value is not None},
        "occurred_at": event.occurred_at.isoformat(),
        "attributes": event.attributes,
    }
    return orjson.dumps(fields).decode()


def staged_event(text: str) -> TrackedEvent:
    """Return the event that was staged as this JSON."""
    fields = orjson.loads(text)
    return TrackedEvent(
        fields["id"],
        fields["type"],
        CustomerKey(external_id=fields.get("external_id"), email=fields.get("email")),
        datetime.fromisoformat(fields["occurred_at"]),
        fields["attributes"],
    )


def rows_of(numbers: Sequence[int], errors: Iterable[DomainError]) -> dict[int, str]:
    """Return what is wrong with each row, by its number; the errors are of events of these rows, by their index."""
    return {numbers[int(error.field[1])]: error.message for error in errors}
