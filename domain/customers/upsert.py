"""Makes customers of what clients say of them, or brings those that are there up to date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from domain import changes
from domain.changes import ChangeKind
from domain.customers import queries, writes
from domain.customers import tags as customer_tags
from domain.customers.contacts import save_contacts
from domain.customers.identity import match
from domain.customers.model import MAX_BATCH, PROFILE, Customer, CustomerChange, PropertyDefinition
from domain.customers.tables import customers
from domain.customers.validation import clean
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector
from domain.kit.values import UNSET, Unset, Value

_FLAGS = ("email_verified", "phone_verified", "member")


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """Whom each input was about, in its order, and who of them is new."""

    ids: list[int]
    created: frozenset[int]

    @property
    def updated(self) -> int:
        return len(set(self.ids) - self.created)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A customer that an input is about: as it was, if it was there, and as it becomes."""

    change: CustomerChange
    had: Customer | None
    row: writes.Row

    @property
    def id(self) -> int:
        number = self.row["id"]
        assert isinstance(number, int)
        return number


async def upsert(
    tx: Transaction, store_id: int, change: CustomerChange, now: datetime, *, source: str = "api"
) -> tuple[Customer, bool]:
    """The customer as it is now, and whether it is new."""
    known = {definition.key: definition for definition in await queries.definitions(tx, store_id)}
    try:
        cleaned = clean(change, known)
    except DomainError as error:
        raise error.under("input") from None
    done = await _save(tx, store_id, [cleaned], known, now, source)
    saved = (await queries.by_ids(tx, store_id, done.ids))[0]
    return saved, bool(done.created)


async def upsert_many(
    tx: Transaction, store_id: int, changes: Sequence[CustomerChange], now: datetime, *, source: str = "api"
) -> UpsertResult:
    """All of them, or none with every fault of each."""
    if len(changes) > MAX_BATCH:
        said = f"{len(changes):,} customers are too many: {MAX_BATCH:,} at most"
        raise DomainError(said, field=("input",), code=ErrorCode.LIMIT_EXCEEDED)
    known = {definition.key: definition for definition in await queries.definitions(tx, store_id)}
    return await _save(tx, store_id, _clean_all(changes, known), known, now, source)


def _clean_all(changes: Sequence[CustomerChange], known: Mapping[str, PropertyDefinition]) -> list[CustomerChange]:
    cleaned: list[CustomerChange] = []
    errors = ErrorCollector()
    for at, change in enumerate(changes):
        with errors.under("input", at):
            cleaned.append(clean(change, known))
    errors.raise_any()
    return cleaned


async def _save(
    tx: Transaction,
    store_id: int,
    changes: Sequence[CustomerChange],
    known: Mapping[str, PropertyDefinition],
    now: datetime,
    source: str,
) -> UpsertResult:
    """In rounds, so that a customer who comes twice is changed twice, in order."""
    first_number = await writes.take_numbers(tx, store_id, len(changes))
    ids: list[int] = [0] * len(changes)
    created: set[int] = set()
    waiting = list(range(len(changes)))
    while waiting:
        found = await match(tx, store_id, [changes[at] for at in waiting])
        subjects: list[_Subject] = []
        taken: set[object] = set()
        later: list[int] = []
        for at, had in zip(waiting, found, strict=True):
            marks = _marks(changes[at], had)
            if taken.isdisjoint(marks):
                subjects.append(_subject(store_id, changes[at], had, first_number + at, now))
                ids[at] = subjects[-1].id
            else:
                later.append(at)
            taken |= marks
        created |= {subject.id for subject in subjects if subject.had is None}
        await _save_round(tx, store_id, subjects, known, now, source)
        waiting = later
    return UpsertResult(ids, frozenset(created))


def _subject(store_id: int, change: CustomerChange, had: Customer | None, number: int, now: datetime) -> _Subject:
    row = writes.bare(store_id, number, now) if had is None else _row(had)
    return _Subject(change, had, _changed(row, change, now))


def _marks(change: CustomerChange, had: Customer | None) -> set[object]:
    """What two inputs have in common when they may be about the same customer."""
    marks: set[object] = {("id", had.id)} if had else set()
    named = (("external", change.external_id), ("email", change.email), ("phone", change.phone))
    return marks | {(kind, key) for kind, key in named if isinstance(key, str)}


def _row(customer: Customer) -> writes.Row:
    return {name: getattr(customer, name) for name in customers.c.keys()}  # noqa: SIM118 - columns, not a dict


def _changed(row: writes.Row, change: CustomerChange, now: datetime) -> writes.Row:
    given: writes.Row = {name: value for name in PROFILE if (value := getattr(change, name)) is not UNSET}
    for flag in _FLAGS:
        if flag in given:
            given[flag] = bool(given[flag])
    for address in ("email", "phone"):
        if address in given and given[address] != row[address]:
            given.setdefault(f"{address}_verified", False)
    return row | given | {"updated_at": now, "deleted_at": None}


async def _save_round(
    tx: Transaction,
    store_id: int,
    subjects: Sequence[_Subject],
    known: Mapping[str, PropertyDefinition],
    now: datetime,
    source: str,
) -> None:
    await writes.add(tx, [subject.row for subject in subjects if subject.had is None])
    await writes.replace(tx, [subject.row for subject in subjects if subject.had is not None])
    await changes.record_change(
        tx, store_id, ChangeKind.PROFILE | ChangeKind.CONTACTS, [subject.id for subject in subjects]
    )
    await changes.record_change(
        tx, store_id, ChangeKind.EXISTENCE, [subject.id for subject in subjects if _came_back(subject)]
    )
    await writes.trust_again(tx, store_id, [subject.id for subject in subjects if _moved(subject)])
    tags = ((subject.id, subject.change.tags) for subject in subjects)
    given = {id_: own or () for id_, own in tags if not isinstance(own, Unset)}
    await customer_tags.replace_tags(tx, store_id, given, now, source)
    addresses = ((subject.id, subject.change.addresses) for subject in subjects)
    moved = {id_: own or () for id_, own in addresses if not isinstance(own, Unset)}
    await writes.replace_addresses(tx, store_id, moved)
    values = {
        (subject.id, known[given.key].id): (known[given.key], cast("Value | None", given.value))
        for subject in subjects
        for given in subject.change.properties
    }
    await writes.put_properties(tx, store_id, values)
    contacts = {subject.id: subject.change.contacts for subject in subjects if subject.change.contacts}
    await save_contacts(tx, store_id, contacts, now, source)


def _came_back(subject: _Subject) -> bool:
    return subject.had is not None and subject.had.deleted_at is not None


def _moved(subject: _Subject) -> bool:
    had = subject.had
    return had is not None and (had.email != subject.row["email"] or had.phone != subject.row["phone"])
