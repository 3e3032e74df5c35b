"""Makes customers of a part's staged rows, a statement a table."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, delete, false, func, insert, literal, null, or_, select, update

from domain import changes
from domain.changes import ChangeKind
from domain.customers import writes
from domain.customers.fields import FIELDS
from domain.customers.tables import contacts, customer_facts, customers
from domain.imports.customers import related
from domain.imports.tables import import_customers, import_matches
from domain.kit.db import Transaction
from domain.kit.db.portable import refresh_statistics

SOURCE = related.SOURCE
_WRITTEN = ChangeKind.EXISTENCE | ChangeKind.PROFILE | ChangeKind.CONTACTS
_staged = import_customers.c
_matched = import_matches.c


@dataclass(frozen=True, slots=True)
class Part:
    """One part of one import."""

    store_id: int
    operation_id: UUID
    number: int

    @property
    def rows(self) -> ColumnElement[bool]:
        return and_(self.of(_staged), _staged.part == self.number)

    def of(self, columns: Any) -> ColumnElement[bool]:
        return and_(columns.store_id == self.store_id, columns.operation_id == self.operation_id)


async def merge(tx: Transaction, part: Part, columns: list[str], now: datetime) -> int:
    """How many customers it made or knew."""
    names = [field.name for field in FIELDS if field.name in columns]
    first, last, rows = (
        await tx.execute(select(func.min(_staged.row), func.max(_staged.row), func.count()).where(part.rows))
    ).one()
    if not rows:
        return 0
    number = await writes.take_numbers(tx, part.store_id, last - first + 1)
    # A new customer's number follows from its row's.
    own = _staged.row + literal(number - first, customers.c.id.type)
    known = await tx.scalar(select(func.count(_known(part))).where(part.rows))
    if known:
        await _match(tx, part, own)
        people = _People(import_customers.join(import_matches, _same(part)), _matched.customer_id, _matched.added)
        await _update(tx, part, people, names, now)
        whom = select(people.id).select_from(people.source).where(part.rows)
        await changes.record_change(tx, part.store_id, _WRITTEN, whom)
    else:
        people = _People(import_customers, own, None)
        await changes.record_range_change(tx, part.store_id, _WRITTEN, number, number + last - first)
    await _add(tx, part, people, names, now)
    await related.merge(tx, people.owners(part), columns, now)
    return int(rows)


def _same(part: Part) -> ColumnElement[bool]:
    return and_(part.of(_matched), _matched.row == _staged.row)


@dataclass(frozen=True, slots=True)
class _People:
    """Where a part's rows are, and whose each is; `added` where some were there before."""

    source: FromClause
    id: ColumnElement[int]
    added: ColumnElement[bool] | None

    def owners(self, part: Part) -> related.Owners:
        return related.Owners(part.store_id, self.source, self.id, part.rows, self.added)

    def new(self, part: Part) -> ColumnElement[bool]:
        return part.rows if self.added is None else and_(part.rows, self.added)


async def _match(tx: Transaction, part: Part, own: ColumnElement[int]) -> None:
    await tx.execute(delete(import_matches).where(part.of(_matched)))
    found = select(_staged.row, _known(part).label("known"), own.label("own")).where(part.rows).subquery("found")
    matches = select(
        literal(part.store_id),
        literal(part.operation_id, _matched.operation_id.type),
        found.c.row,
        func.coalesce(found.c.known, found.c.own),
        found.c.known.is_(None),
    )
    await tx.execute(insert(import_matches).from_select(list(_matched.keys()), matches))
    await refresh_statistics(tx, import_matches)


def _known(part: Part) -> ColumnElement[int]:
    same = customers.alias("same")
    of = select(same.c.id).where(same.c.store_id == part.store_id)
    by_email = of.where(same.c.email == _staged.email).order_by(same.c.deleted_at.is_not(None), same.c.id).limit(1)
    # The parts' numbers tell those without an external id: see `CustomerRows.staged`.
    found = by_email if part.number % 2 else of.where(same.c.external_id == _staged.external_id)
    return found.scalar_subquery()


async def _add(tx: Transaction, part: Part, people: _People, names: list[str], now: datetime) -> None:
    moment = literal(now, customers.c.created_at.type)
    values: dict[str, Any] = {column.name: false() for column in customers.c if not column.nullable}
    values |= {"store_id": literal(part.store_id), "id": people.id, "created_at": moment, "updated_at": moment}
    values |= {name: func.coalesce(_staged[name], values[name]) if name in values else _staged[name] for name in names}
    values["source"] = func.coalesce(_staged.source, SOURCE)
    new = select(*values.values()).select_from(people.source).where(people.new(part)).order_by(_staged.row)
    await tx.execute(insert(customers).from_select(list(values), new))
    zero = literal(0, customer_facts.c.total_spent.type)
    counts = select(literal(part.store_id), people.id, literal(0), zero).select_from(people.source)
    names = ["store_id", "customer_id", "order_count", "total_spent"]
    rows = counts.where(people.new(part)).order_by(_staged.row)
    await tx.execute(insert(customer_facts).from_select(names, rows))


async def _update(tx: Transaction, part: Part, people: _People, names: list[str], now: datetime) -> None:
    """Empty cells keep what is there; another address is unverified unless the file says otherwise."""
    await _trust_again(tx, part, people)
    kept: dict[str, Any] = {name: func.coalesce(_staged[name], customers.c[name]) for name in names}
    for address in ("email", "phone"):
        verified = f"{address}_verified"
        same = or_(_staged[address].is_(None), customers.c[address].is_not_distinct_from(_staged[address]))
        kept[verified] = func.coalesce(_staged[verified], and_(customers.c[verified], same))
    kept |= {"deleted_at": null(), "updated_at": literal(now, customers.c.updated_at.type)}
    await tx.execute(
        update(customers)
        .values(kept)
        .where(
            customers.c.store_id == part.store_id,
            customers.c.id == _matched.customer_id,
            ~_matched.added,
            _same(part),
            part.rows,
            or_(customers.c.deleted_at.is_not(None), *(_differs(name) for name in names)),
        )
    )


def _differs(name: str) -> ColumnElement[bool]:
    return and_(_staged[name].is_not(None), customers.c[name].is_distinct_from(_staged[name]))


async def _trust_again(tx: Transaction, part: Part, people: _People) -> None:
    """What failed was an address that the customer had before."""
    had = and_(customers.c.store_id == part.store_id, customers.c.id == people.id)
    moved = (
        select(people.id)
        .select_from(people.source.join(customers, had))
        .where(part.rows, ~_matched.added, or_(_differs("email"), _differs("phone")))
    )
    own = contacts.c.store_id == part.store_id, contacts.c.address.is_(None), contacts.c.invalid
    await tx.execute(update(contacts).where(*own, contacts.c.customer_id.in_(moved)).values(invalid=False))
