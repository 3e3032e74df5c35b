"""Reads rows of events: each is one, as a client would send it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import blake2s
from typing import Any

import orjson

from domain.consents.suppressions import address_hash, external_id_hash
from domain.customers.key import CustomerKey
from domain.events.types import event_type_of
from domain.imports.cells import SHOWN, Parse, cached, typed
from domain.imports.copy import key_of
from domain.imports.format import ImportKey, StagedRows
from domain.imports.model import Progress
from domain.imports.style import FileStyle
from domain.imports.values.dates import moment
from domain.imports.values.phones import phone
from domain.imports.values.text import identifier
from domain.ingestion.model import TrackedEvent
from domain.ingestion.validation import clean_event
from domain.kit.errors import DomainError
from domain.kit.values import ValueType
from domain.operations.model import Problem, ProblemOutcome

ATTRIBUTE = "attributes."
_STAGED = ("store_id", "operation_id", "row", "event")


class EventReader:
    def __init__(self, key: ImportKey, progress: Progress, style: FileStyle, dialect: str) -> None:
        self.property_types: dict[str, list[str]] = {}
        self._key = key
        self._names = progress.columns
        self._heads = dict(zip(self._names, progress.heads or self._names, strict=True))
        self.date_columns = {"occurred_at": self._names.index("occurred_at")}
        dates = style.dates("occurred_at")
        self._occurred_at = cached(partial(moment, style=dates))
        self._readings = {kind: typed(kind, dates) for kind in (ValueType.NUMBER, ValueType.BOOLEAN)}
        self._phone = partial(phone, country=None, store_country=style.country)
        self._operation_key = key_of(key.operation_id, dialect)

    def read(self, records: Iterable[tuple[int, list[str]]], part: int) -> StagedRows:
        """Return the event of each record; the part is left out, for events are merged by their rows."""
        rows: list[tuple[object, ...]] = []
        problems: list[Problem] = []
        for number, record in records:
            cells = {name: cell.strip() for name, cell in zip(self._names, record, strict=True) if cell.strip()}
            unreadable: list[DomainError] = []
            try:
                event = self._event(number, cells, unreadable)
                _ = clean_event(event)
            except DomainError as error:
                problems.append(self._problem(number, cells, error, ProblemOutcome.ROW_REFUSED))
                continue
            problems += [self._problem(number, cells, error, ProblemOutcome.CELL_LEFT_OUT) for error in unreadable]
            rows.append((self._key.store_id, self._operation_key, number, _json(event)))
        return StagedRows(_STAGED, rows, problems)

    def _problem(self, number: int, cells: Mapping[str, str], error: DomainError, outcome: ProblemOutcome) -> Problem:
        name = next((step for step in error.field if step in self._heads), None)
        column, value = (None, None) if name is None else (self._heads[name], cells.get(name, "")[:SHOWN])
        return Problem(number, error.message, self._subject(cells), column, value, outcome)

    def _read(self, field: str, parse: Parse, cells: Mapping[str, str]) -> Any:
        """Return what a cell says. Raise DomainError with the name of its column."""
        try:
            return parse(cells.get(field, ""))
        except DomainError as error:
            raise DomainError(f"{self._heads[field]}: {error.message}", field=(field,)) from error

    def _event(self, number: int, cells: Mapping[str, str], unreadable: list[DomainError]) -> TrackedEvent:
        """Return the event of a row, without the attributes that are unreadable.

        One without an id gets the same one whenever this row of such a file comes again.
        """
        name = cells.get("type", "")
        if "external_id" in cells:
            customer = CustomerKey(external_id=self._read("external_id", identifier, cells))
        elif "email" in cells:
            customer = CustomerKey(email=cells["email"])
        elif "phone" in cells:
            customer = CustomerKey(phone=self._read("phone", self._phone, cells))
        else:
            raise DomainError("The row needs an external_id, an email or a phone: whose event is it?")
        occurred_at = self._read("occurred_at", self._occurred_at, cells)
        if occurred_at is None:
            raise DomainError(f"{self._heads['occurred_at']}: is empty", field=("occurred_at",))
        types = event_type_of(name).attributes
        attributes: dict[str, object] = {}
        for field in (field for field in cells if field.startswith(ATTRIBUTE)):
            attribute = field.removeprefix(ATTRIBUTE)
            parse = self._readings.get(types.get(attribute, ValueType.STRING))
            try:
                attributes[attribute] = cells[field] if parse is None else self._read(field, parse, cells)
            except DomainError as error:
                unreadable.append(error)
        return TrackedEvent(cells.get("id") or _made_id(number, cells), name, customer, occurred_at, attributes)

    def _subject(self, cells: Mapping[str, str]) -> bytes | None:
        """Return the hash of whose event a row is that cannot be read, as far as it says."""
        key = self._key.suppression_key, self._key.store_id
        if "external_id" in cells:
            return external_id_hash(*key, cells["external_id"])
        address = cells.get("email") or cells.get("phone")
        return None if address is None else address_hash(*key, address)


def _made_id(number: int, cells: Mapping[str, str]) -> str:
    content = orjson.dumps([number, sorted(cells.items())])
    return f"row-{number}-{blake2s(content, digest_size=12).hexdigest()}"


def _json(event: TrackedEvent) -> str:
    key = event.customer
    customer = {"external_id": key.external_id, "email": key.email, "phone": key.phone}
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
        CustomerKey(external_id=fields.get("external_id"), email=fields.get("email"), phone=fields.get("phone")),
        datetime.fromisoformat(fields["occurred_at"]),
        fields["attributes"],
    )


def rows_of(numbers: Sequence[int], errors: Iterable[DomainError]) -> dict[int, str]:
    """Return what is wrong with each row, by its number; the errors are of events of these rows, by their index."""
    return {numbers[int(error.field[1])]: error.message for error in errors}
