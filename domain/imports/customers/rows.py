"""Reads rows of customers, and folds those of one customer into one."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import orjson
from muster_sdk import AddressKind

from domain.consents.suppressions import address_hash, external_id_hash
from domain.customers import values
from domain.customers.fields import FIELDS
from domain.customers.identity import Identifiers
from domain.customers.model import Consent, PropertyDefinition, imported_consent
from domain.imports.cells import FileColumn, Parse, UnreadableCell, cached, from_text, readable
from domain.imports.copy import key_of
from domain.imports.customers import fields
from domain.imports.customers.address_columns import address_parse, addresses_json
from domain.imports.customers.fold import Fold, RowValues
from domain.imports.customers.property_types import as_any_type, as_type, narrowed
from domain.imports.format import ImportKey, StagedRows
from domain.imports.model import Progress
from domain.imports.style import FileStyle
from domain.imports.values.phones import phone
from domain.kit.errors import DomainError
from domain.kit.folded_text import folded
from domain.kit.values import ValueType
from domain.operations.model import Problem, ProblemOutcome

_FIELDS = {field.name: field for field in FIELDS if field.imported}
# Needed to tell one customer from another, whether the file has them or not.
_KEYS = ("external_id", "email", "phone")
_EXTERNAL_ID, _EMAIL, _PHONE = range(len(_KEYS))


class CustomerReader:
    """Reads the rows of one file.

    `property_types` are the value types that the values of each undefined property can all be read as.
    """

    def __init__(
        self,
        key: ImportKey,
        progress: Progress,
        style: FileStyle,
        definitions: Mapping[str, PropertyDefinition],
        dialect: str,
    ) -> None:
        names = progress.columns
        self._style, self._store_country = style, style.country
        self.date_columns: dict[str, int] = {}
        self.property_types = {name: list(types) for name, types in progress.property_types.items()}
        self._dialect = dialect
        self._store_id, self._operation_key = key.store_id, key_of(key.operation_id, dialect)
        self._suppression_key = key.suppression_key
        self._address_kinds = key.address_kinds
        self._heads = progress.heads or names
        self._key_cells = [names.index(name) if name in names else None for name in _KEYS]
        # The staging table's columns take the first slots, in this order.
        data_names = [name for name in names if name not in _KEYS and (name in _FIELDS or name == "tags")]
        self._staged_names = [*_KEYS, *data_names]
        self._slots = {name: slot for slot, name in enumerate(self._staged_names)}
        self._properties: list[tuple[str, int]] = []
        self._channels: dict[str, dict[str, int]] = {}
        self._consents: set[int] = set()
        self._addresses: dict[str, int] = {}
        columns = [self._column(name, cell, definitions) for cell, name in enumerate(names)]
        # A national phone number is read once its row's country is known.
        phones = {f"contact.{channel}" for channel, kind in key.address_kinds.items() if kind is AddressKind.PHONE} | {
            "phone"
        }
        self._columns = [column for column in columns if column.name not in phones]
        self._phones = [column for column in columns if column.name in phones]
        self._country_slot = self._slots.get("country")
        self._name_slot = self._slots.get("name")
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
            definition = definitions.get(key)
            if definition is None:
                self.property_types.setdefault(key, [kind.value for kind in ValueType])
                parse = cached(as_any_type(self._dialect))
            else:
                self._note_dates(name, cell, definition.type)
                parse = cached(as_type(definition.type, self._style.dates(name), self._dialect))
        elif prefix == "address":
            self._addresses[name] = slot
            parse = address_parse(name)
        elif dot:
            self._channels.setdefault(key, {})[prefix] = slot
            if prefix == "consent":
                self._consents.add(slot)
                parse = cached(fields.consent)
            else:
                kind = self._address_kinds.get(key, AddressKind.HANDLE)
                checked = from_text(partial(values.address, kind=kind, country=None))
                parse = fields.address if kind is AddressKind.HANDLE else checked
        elif name == "tags":
            parse = cached(from_text(fields.tag_objects))
        else:
            self._note_dates(name, cell, _FIELDS[name].value_type)
            parse = fields.field_parse(_FIELDS[name], self._style, self._dialect)
        return FileColumn(name, cell, slot, parse, self._heads[cell])

    def _note_dates(self, name: str, cell: int, kind: ValueType) -> None:
        if kind in {ValueType.DATE, ValueType.DATETIME}:
            self.date_columns[name] = cell

    def read(self, records: Iterable[tuple[int, list[str]]], part: int) -> StagedRows:
        """Return the customers, each with the number of its first row, and the problems of the rows left out."""
        folding = Fold(self._fold)
        problems: list[Problem] = []
        for number, record in records:
            row, unreadable = self._row(record)
            external_id, email, telephone = row[_EXTERNAL_ID], row[_EMAIL], row[_PHONE]
            if external_id is None and email is None and telephone is None:
                problems.append(self._refused(number, record, unreadable))
                continue
            if unreadable:
                subject = self._subject(external_id, email, telephone)
                problems += [cell.problem(number, subject) for cell in unreadable]
            folding.add(number, Identifiers(external_id, email, telephone), row)
        for name, slot in self._properties:
            candidates = self.property_types.get(name, ())
            if len(candidates) > 1:
                typed_values = {row.values[slot] for row in folding.rows if row.values[slot] is not None}
                self.property_types[name] = narrowed(candidates, typed_values)
        keys = (self._store_id, self._operation_key)
        width = len(self._staged_names)
        names = [
            "store_id",
            "operation_id",
            "part",
            "row",
            *self._staged_names,
            "folded_name",
            "contacts",
            "addresses",
            "properties",
        ]
        rows = [
            (
                *keys,
                part + kept.turn,
                kept.number,
                *row[:width],
                self._folded_name_of(row),
                self._contacts_of(row),
                addresses_json(row, self._addresses),
                _json_list([f"{start}{row[slot][-1]}" for start, slot in self._property_json if row[slot] is not None]),
            )
            for kept in folding.rows
            for row in (kept.values,)
        ]
        return StagedRows(names, rows, problems, folding.turns)

    def _refused(self, number: int, record: list[str], unreadable: Sequence[UnreadableCell]) -> Problem:
        """Return the problem of a row of which nobody can be told."""
        cells = ["" if cell is None else record[cell].strip() for cell in self._key_cells]
        subject = self._subject(*cells)
        for cell in unreadable:
            if cell.column.name in _KEYS:
                return cell.problem(number, subject, refused="the row has nothing else by which to tell whose it is")
        message = "The row needs an external_id, an email or a phone to be found by"
        return Problem(number, message, subject, outcome=ProblemOutcome.ROW_REFUSED)

    def _subject(self, external_id: str | None, email: str | None, telephone: str | None) -> bytes | None:
        """Return the hash of whom a row is about, as far as it says."""
        if external_id:
            return external_id_hash(self._suppression_key, self._store_id, external_id)
        address = email or telephone
        return address_hash(self._suppression_key, self._store_id, address) if address else None

    def _row(self, record: list[str]) -> tuple[RowValues, Sequence[UnreadableCell]]:
        """Return what a record says, and its cells that cannot be read."""
        row: RowValues = [None] * len(self._slots)
        unreadable: Sequence[UnreadableCell] = ()
        try:
            for cell, slot, parse in self._steps:
                if record[cell]:
                    row[slot] = parse(record[cell])
        except DomainError:
            unreadable = readable(record, self._columns, row)
        country = None if self._country_slot is None else row[self._country_slot]
        # Of a country that cannot be read it is not known whether it is the store's.
        is_elsewhere = unreadable and any(cell.column.name == "country" for cell in unreadable)
        for column in self._phones:
            if record[column.cell]:
                try:
                    row[column.slot] = phone(
                        record[column.cell], country, None if is_elsewhere else self._store_country
                    )
                except DomainError as error:
                    unreadable = [*unreadable, UnreadableCell(column, record[column.cell], error.message)]
        return row, unreadable

    def _fold(self, earlier: RowValues, later: RowValues) -> None:
        """Write into a customer's earlier row what a later one says."""
        for address, verified in self._verified_slots:
            if later[address] not in {None, earlier[address]} and later[verified] is None:
                earlier[verified] = 0
        for slot, value in enumerate(later):
            if value is not None:
                before = earlier[slot]
                earlier[slot] = imported_consent(before, value) if slot in self._consents and before else value

    def _folded_name_of(self, row: RowValues) -> str | None:
        name = None if self._name_slot is None else row[self._name_slot]
        return None if name is None else folded(name)

    def _contacts_of(self, row: RowValues) -> str | None:
        contacts: list[str] = []
        for start, address_slot, consent_slot in self._contact_json:
            address = None if address_slot is None else row[address_slot]
            consent = None if consent_slot is None else row[consent_slot]
            if address is not None:
                contacts.append(f'{start}"{consent or Consent.NOT_SUBSCRIBED}","address":{_json(address)}}}')
            elif consent is not None:
                contacts.append(f'{start}"{consent}"}}')
        return _json_list(contacts)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _json_list(items: Sequence[str]) -> str | None:
    return f"[{','.join(items)}]" if items else None
