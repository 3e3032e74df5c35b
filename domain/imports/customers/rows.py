"""Reads rows of customers, and folds those of one customer into one."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import orjson

from domain.customers import values
from domain.customers.fields import FIELDS
from domain.customers.model import Consent, PropertyDefinition, imported_consent
from domain.imports.cells import FileColumn, Parse, cached, cell_errors, check_width, for_driver
from domain.imports.copy import key_of
from domain.imports.format import ImportKey, StagedRows
from domain.imports.model import Progress
from domain.kit.errors import DomainError
from domain.kit.values import ValueType
from domain.operations.model import Problem

_FIELDS = {field.name: field for field in FIELDS if field.imported}
# Needed to tell one customer from another, whether the file has them or not.
_KEYS = ("external_id", "email")
_EXTERNAL_ID, _EMAIL = range(len(_KEYS))
_TYPES = list(ValueType)
# What a row says, by slot; None where it says nothing.
RowValues = list[Any]


class CustomerReader:
    """Reads the rows of one file.

    `property_types` are the value types that the values of each undefined property can all be read as.
    """

    def __init__(
        self, key: ImportKey, progress: Progress, definitions: Mapping[str, PropertyDefinition], dialect: str
    ) -> None:
        names = progress.columns
        self.property_types = {name: list(types) for name, types in progress.property_types.items()}
        self._dialect = dialect
        self._store_id, self._operation_key = key.store_id, key_of(key.operation_id, dialect)
        self._width = len(names)
        # The staging table's columns take the first slots, in this order.
        others = [name for name in names if name not in _KEYS and (name in _FIELDS or name == "tags")]
        self._staged_names = [*_KEYS, *others]
        self._slots = {name: slot for slot, name in enumerate(self._staged_names)}
        self._properties: list[tuple[str, int]] = []
        self._channels: dict[str, dict[str, int]] = {}
        self._consents: set[int] = set()
        columns = [self._column(name, cell, definitions) for cell, name in enumerate(names)]
        # A national phone number is read once its row's country is known.
        self._columns = [column for column in columns if column.name != "phone"]
        self._phone = next((column for column in columns if column.name == "phone"), None)
        self._country_slot = self._slots.get("country")
        self._steps = [(column.cell, column.slot, column.parse) for column in self._columns]
        self._verified_slots = [
            (self._slots[address], self._slots[f"{address}_verified"])
            for address in ("email", "phone")
            if address in self._slots and f"{address}_verified" in self._slots
        ]
        self._property_json = [(f'{{"key":"{key}",', slot) for key, slot in self._properties]
        self._contact_json = [
            (f'{{"channel":"{channel}","consent":', slots.get("contact"), slots.get("consent"))
            for channel, slots in self._channels.items()
        ]

    def _column(self, name: str, cell: int, definitions: Mapping[str, PropertyDefinition]) -> FileColumn:
        slot = self._slots.setdefault(name, len(self._slots))
        prefix, dot, key = name.partition(".")
        parse: Parse
        if prefix == "property" and dot:
            self._properties.append((key, slot))
            parse = self._property(key, definitions.get(key))
        elif dot:
            self._channels.setdefault(key, {})[prefix] = slot
            if prefix == "consent":
                self._consents.add(slot)
                parse = cached(partial(values.choice, choices=Consent))
            else:
                parse = partial(values.text, longest=500)
        elif name == "tags":
            parse = cached(_tags)
        else:
            field = _FIELDS[name]
            parse = for_driver(field.value_type, field.parse, self._dialect)
            parse = parse if field.distinct else cached(parse)
        return FileColumn(name, cell, slot, parse)

    def _property(self, key: str, definition: PropertyDefinition | None) -> Parse:
        if definition is not None:
            return cached(_known_type(definition.type, self._dialect))
        self.property_types.setdefault(key, [kind.value for kind in ValueType])
        return cached(_any_type(self._dialect))

    def read(self, records: Iterable[tuple[int, list[str]]], part: int) -> StagedRows:
        """Return the customers, each with the number of its first row, and the problems of the rows left out."""
        customers: dict[tuple[int, str], tuple[int, RowValues]] = {}
        problems: list[Problem] = []
        for number, record in records:
            if not record:
                continue
            try:
                row = self._row(record)
            except DomainError as error:
                problems.append(Problem(number, error.message))
                continue
            external_id = row[_EXTERNAL_ID]
            key = (_EMAIL, row[_EMAIL]) if external_id is None else (_EXTERNAL_ID, external_id)
            if key in customers:
                self._fold(customers[key][1], row)
            else:
                customers[key] = (number, row)
        self._narrow_types(row for _, row in customers.values())
        keys = (self._store_id, self._operation_key, part)
        width = len(self._staged_names)
        names = ["store_id", "operation_id", "part", "row", *self._staged_names, "contacts", "properties"]
        rows = [
            (*keys, number, *row[:width], self._contacts_of(row), self._properties_of(row))
            for number, row in customers.values()
        ]
        return StagedRows(names, rows, problems)

    def _row(self, record: list[str]) -> RowValues:
        check_width(record, self._width)
        row: RowValues = [None] * len(self._slots)
        phone = self._phone
        try:
            for cell, slot, parse in self._steps:
                if record[cell]:
                    row[slot] = parse(record[cell])
            if phone is not None and record[phone.cell]:
                country = None if self._country_slot is None else row[self._country_slot]
                row[phone.slot] = values.phone(record[phone.cell], country)
        except DomainError as error:
            raise DomainError(cell_errors(record, self._columns) or f"phone: {error.message}") from error
        if row[_EXTERNAL_ID] is None and row[_EMAIL] is None:
            raise DomainError("The row needs an external_id or an email to be found by")
        return row

    def _fold(self, earlier: RowValues, later: RowValues) -> None:
        """Write into a customer's earlier row what a later one says."""
        for address, verified in self._verified_slots:
            if later[address] not in {None, earlier[address]} and later[verified] is None:
                earlier[verified] = 0
        for slot, value in enumerate(later):
            if value is not None:
                before = earlier[slot]
                earlier[slot] = imported_consent(before, value) if slot in self._consents and before else value

    def _narrow_types(self, rows: Iterable[RowValues]) -> None:
        """Strike the types that some value of an undefined property does not have."""
        rows = list(rows)
        for key, slot in self._properties:
            candidates = self.property_types.get(key)
            if candidates is not None and len(candidates) > 1:
                typed = {row[slot] for row in rows if row[slot] is not None}
                indexes = [_TYPES.index(ValueType(kind)) for kind in candidates]
                remaining = [index for index in indexes if all(value[index] is not None for value in typed)]
                self.property_types[key] = [_TYPES[index].value for index in remaining] or [ValueType.STRING.value]

    def _contacts_of(self, row: RowValues) -> str | None:
        contacts: list[str] = []
        for start, address_slot, consent_slot in self._contact_json:
            address = None if address_slot is None else row[address_slot]
            consent = None if consent_slot is None else row[consent_slot]
            if address is not None:
                contacts.append(f'{start}"{consent or Consent.NOT_SUBSCRIBED}","address":{_json(address)}}}')
            elif consent is not None:
                contacts.append(f'{start}"{consent}"}}')
        return f"[{','.join(contacts)}]" if contacts else None

    def _properties_of(self, row: RowValues) -> str | None:
        properties = [f"{start}{row[slot][-1]}" for start, slot in self._property_json if row[slot] is not None]
        return f"[{','.join(properties)}]" if properties else None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _tags(cell: str) -> str | None:
    tags = values.tags(cell.split(";"))
    return _json([{"tag": tag} for tag in tags]) if tags else None


def _readings(dialect: str) -> dict[ValueType, Parse]:
    return {kind: for_driver(kind, parse, dialect) for kind, parse in values.READ.items()}


def _known_type(kind: ValueType, dialect: str) -> Parse:
    parse, index = _readings(dialect)[kind], _TYPES.index(kind)

    def read(cell: str) -> tuple[Any, ...] | None:
        value = parse(cell)
        if value is None:
            return None
        return _typed([*[None] * index, value, *[None] * (len(_TYPES) - 1 - index)])

    return read


def _typed(by_type: Iterable[Any]) -> tuple[Any, ...]:
    """Return a value in each type that it has, and at the end the JSON that is staged of it."""
    typed = tuple(by_type)
    by_column = {kind.column: value for kind, value in zip(_TYPES, typed, strict=True) if value is not None}
    return (*typed, _json(by_column)[1:])


def _any_type(dialect: str) -> Parse:
    """Return a reading that gives a value in every type that it has."""
    readings = _readings(dialect)

    def read_as(kind: ValueType, text: str) -> Any:
        # A column of 0 and 1 is one of numbers.
        if kind is ValueType.BOOLEAN and text.lower() not in {"true", "false"}:
            return None
        try:
            return readings[kind](text)
        except DomainError:
            return None

    def read(cell: str) -> tuple[Any, ...] | None:
        text = values.string(cell)
        return None if text is None else _typed(read_as(kind, text) for kind in _TYPES)

    return read
