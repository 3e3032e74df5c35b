"""Reads rows of customers, and folds those of one customer into one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from domain.customers import values
from domain.customers.model import Consent, PropertyDefinition, imported_consent
from domain.imports.cells import CellReader, Check, day, faults, flag, instant, remembered, short, wrong_width
from domain.imports.model import FIELDS
from domain.imports.tables import import_customers
from domain.kit.errors import DomainError
from domain.kit.values import ValueType
from domain.operations.model import Problem

_EXTERNAL_ID, _EMAIL, _PHONE, _COUNTRY = (FIELDS.index(name) for name in ("external_id", "email", "phone", "country"))
_TAGS = len(FIELDS)
Folded = list[Any]
Tables = dict[Any, list[tuple[Any, ...]]]


class CustomerRows:
    """The rows of one file, read part by part."""

    def __init__(
        self,
        names: Sequence[str],
        dialect: str,
        definitions: Mapping[str, PropertyDefinition],
        types: dict[str, list[str]],
    ) -> None:
        self._dialect = dialect
        self._width = len(names)
        self._slots = _TAGS + 1
        self.types = types
        self._properties: list[tuple[str, int]] = []
        self._channels: dict[str, list[int]] = {}
        self._consents: set[int] = set()
        columns = [self._column(name, cell, definitions) for cell, name in enumerate(names)]
        self._contacts = [
            (f'{{"channel":"{channel}","consent":', places[0], places[1]) for channel, places in self._channels.items()
        ]
        self._written = [(f'{{"key":"{key}",', slot) for key, slot in self._properties]
        # A national phone number is read once its row's country is known.
        self._columns = [column for column in columns if column.slot != _PHONE]
        self._phone = next((column.cell for column in columns if column.slot == _PHONE), None)
        self._steps = [(column.cell, column.slot, column.check) for column in self._columns]

    def _column(self, name: str, cell: int, definitions: Mapping[str, PropertyDefinition]) -> CellReader:
        prefix, dot, rest = name.partition(".")
        if not dot:
            slot = _TAGS if name == "tags" else FIELDS.index(name)
            return CellReader(name, cell, slot, _check(name, self._dialect))
        slot = self._slots
        self._slots += 1
        if prefix == "property":
            self._properties.append((rest, slot))
            return CellReader(name, cell, slot, self._property(rest, definitions.get(rest)))
        places = self._channels.setdefault(rest, [0, 0])
        places[prefix == "consent"] = slot
        if prefix == "consent":
            self._consents.add(slot)
            return CellReader(name, cell, slot, remembered(values.consent))
        return CellReader(name, cell, slot, short(500))

    def _property(self, key: str, definition: PropertyDefinition | None) -> Check:
        if definition is not None:
            return remembered(_known_type(definition.type, self._dialect))
        self.types.setdefault(key, [kind.value for kind in ValueType])
        return remembered(_any_type(self._dialect))

    def read(self, rows: Iterable[tuple[int, list[str]]]) -> tuple[list[tuple[int, Folded]], list[Problem]]:
        """The part's customers, each with the number of its first row, and what is wrong with the other rows."""
        found: dict[tuple[int, str], tuple[int, Folded]] = {}
        problems: list[Problem] = []
        for number, record in rows:
            if not record:
                continue
            try:
                folded = self._folded(record)
            except DomainError as error:
                problems.append(Problem(number, error.message))
                continue
            own = folded[_EXTERNAL_ID]
            key = (_EMAIL, folded[_EMAIL]) if own is None else (_EXTERNAL_ID, own)
            if key in found:
                self._fold(found[key][1], folded)
            else:
                found[key] = (number, folded)
        self._narrow(found.values())
        return list(found.values()), problems

    def _folded(self, record: list[str]) -> Folded:
        if len(record) != self._width:
            raise DomainError(wrong_width(record, self._width))
        folded: Folded = [None] * self._slots
        try:
            for cell, slot, check in self._steps:
                if record[cell]:
                    folded[slot] = check(record[cell])
            if self._phone is not None and record[self._phone]:
                folded[_PHONE] = values.phone(record[self._phone], folded[_COUNTRY])
        except DomainError as error:
            raise DomainError(faults(record, self._columns) or f"phone: {error.message}") from error
        if folded[_EXTERNAL_ID] is None and folded[_EMAIL] is None:
            raise DomainError("needs an external_id or an email to be found by")
        return folded

    def _fold(self, had: Folded, given: Folded) -> None:
        for slot, value in enumerate(given):
            if value is None:
                continue
            before = had[slot]
            had[slot] = imported_consent(before, value) if slot in self._consents and before else value

    def _narrow(self, found: Iterable[tuple[int, Folded]]) -> None:
        """Strike the types that some value of an undefined property does not have."""
        for key, slot in self._properties:
            left = self.types.get(key)
            if left is not None and len(left) > 1:
                values = {folded[slot] for _, folded in found if folded[slot] is not None}
                places = [list(ValueType).index(ValueType(kind)) for kind in left]
                kept = [at for at in places if all(value[at] is not None for value in values)]
                self.types[key] = [list(ValueType)[at].value for at in kept] or [ValueType.STRING.value]

    def staged(self, found: Iterable[tuple[int, Folded]], keys: tuple[int, str | bytes | UUID, int]) -> Tables:
        """Rows of the staging table; those without an external id are a part of their own."""
        store_id, operation_id, piece = keys
        return {
            import_customers: [
                (
                    store_id,
                    operation_id,
                    2 * piece + (folded[_EXTERNAL_ID] is None),
                    number,
                    *folded[: _TAGS + 1],
                    self._contacts_of(folded),
                    self._properties_of(folded),
                )
                for number, folded in found
            ]
        }

    def _contacts_of(self, folded: Folded) -> str | None:
        found: list[str] = []
        for start, address_slot, consent_slot in self._contacts:
            address = folded[address_slot] if address_slot else None
            consent = folded[consent_slot] if consent_slot else None
            if address is not None:
                found.append(f'{start}"{consent or Consent.NOT_SUBSCRIBED}","address":{_json(address)}}}')
            elif consent is not None:
                found.append(f'{start}"{consent}"}}')
        return f"[{','.join(found)}]" if found else None

    def _properties_of(self, folded: Folded) -> str | None:
        found = [f"{start}{folded[slot][-1]}" for start, slot in self._written if folded[slot] is not None]
        return f"[{','.join(found)}]" if found else None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _check(name: str, dialect: str) -> Check:
    checked: dict[str, Check] = {
        "external_id": short(200),
        "name": short(200),
        "email": values.email,
        "phone": lambda cell: values.phone(cell, None),
        "gender": remembered(values.gender),
        "birthday": remembered(day),
        "locale": remembered(values.locale),
        "country": remembered(values.country),
        "city": remembered(short(200)),
        "source": remembered(short(64)),
        "member": remembered(flag),
        "tier": remembered(short(100)),
        "tier_expires_on": remembered(day),
        "registered_at": instant(dialect),
        "tags": remembered(_tags),
    }
    return checked[name]


def _tags(cell: str) -> str | None:
    found = values.tags(cell.split(";"))
    return _json([{"tag": tag} for tag in found]) if found else None


def _readers(dialect: str) -> dict[ValueType, Check]:
    return {
        ValueType.STRING: values.string,
        ValueType.NUMBER: values.number,
        ValueType.BOOLEAN: flag,
        ValueType.DATE: day,
        ValueType.DATETIME: instant(dialect),
    }


def _known_type(kind: ValueType, dialect: str) -> Check:
    check, at = _readers(dialect)[kind], list(ValueType).index(kind)

    def read(cell: str) -> tuple[Any, ...] | None:
        value = check(cell)
        if value is None:
            return None
        return _value([*[None] * at, value, *[None] * (len(ValueType) - 1 - at)])

    return read


def _value(typed: Iterable[Any]) -> tuple[Any, ...]:
    """A value in each type, and behind them what is staged of it."""
    values = tuple(typed)
    named = {kind.column: value for kind, value in zip(ValueType, values, strict=True) if value is not None}
    return (*values, _json(named)[1:])


def _any_type(dialect: str) -> Check:
    """The value in every type that it has."""
    readers = _readers(dialect)

    def read(cell: str) -> tuple[Any, ...] | None:
        text = values.string(cell)
        if text is None:
            return None
        # A column of 0 and 1 is one of numbers.
        is_flag = text.lower() in {"true", "false"}
        return _value(
            text
            if kind is ValueType.STRING
            else _try(check, text)
            if kind is not ValueType.BOOLEAN or is_flag
            else None
            for kind, check in readers.items()
        )

    return read


def _try(check: Check, text: str) -> Any:
    try:
        return check(text)
    except DomainError:
        return None
