"""Makes customers of a part's staged rows, a statement a table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    case,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from domain.customers import saving
from domain.customers.model import Consent, ValueType
from domain.customers.tables import (
    contacts,
    customer_facts,
    customer_properties,
    customer_tags,
    customers,
    property_definitions,
)
from domain.db import Transaction
from domain.db.portable import insert_into, refresh_statistics
from domain.imports.model import FIELDS
from domain.imports.tables import import_contacts, import_customers, import_matches, import_properties, import_tags

SOURCE = "import"
_staged = import_customers.c
_matched = import_matches.c
_EMPTY = frozenset({"email_verified", "phone_verified", "blacklisted"})


class Part:
    """One part of one import."""

    def __init__(self, tx: Transaction, store_id: int, operation_id: UUID, part: int, now: datetime) -> None:
        self.tx = tx
        self.store_id = store_id
        self.operation_id = operation_id
        self.part = part
        self.now = now

    async def merge(self) -> int:
        """How many customers it made or knew."""
        rows, known = await self._match()
        if not rows:
            return 0
        await self._add()
        if known:
            await refresh_statistics(self.tx, import_matches)
            await self._update()
        await self._tags(known)
        await self._properties()
        await self._contacts()
        return rows

    def _of(self, table: Table) -> ColumnElement[bool]:
        keys = table.c.store_id == self.store_id, table.c.operation_id == self.operation_id
        return and_(*keys, table.c.part == self.part) if "part" in table.c else and_(*keys)

    def _joined(self, table: Table) -> Any:
        same = import_matches.c.row == table.c.row
        return table.join(import_matches, and_(self._of(import_matches), same))

    async def _match(self) -> tuple[int, int]:
        """Whom each row is about; a new customer's number follows from its row's. How many, and how many known."""
        await self.tx.execute(delete(import_matches).where(self._of(import_matches)))
        first, last = (
            await self.tx.execute(
                select(func.min(_staged.row), func.max(_staged.row)).where(self._of(import_customers))
            )
        ).one()
        if first is None:
            return 0, 0
        number = await saving.take_numbers(self.tx, self.store_id, last - first + 1)
        found = select(_staged.row, self._known().label("known")).where(self._of(import_customers)).subquery("found")
        matches = select(
            literal(self.store_id),
            literal(self.operation_id, import_matches.c.operation_id.type),
            found.c.row,
            func.coalesce(found.c.known, found.c.row + literal(number - first, customers.c.id.type)),
            found.c.known.is_(None),
        )
        await self.tx.execute(insert(import_matches).from_select(list(import_matches.c.keys()), matches))
        known = func.count(case((~_matched.added, 1)))
        rows = await self.tx.execute(select(func.count(), known).where(self._of(import_matches)))
        count, had = rows.one()
        return count, had

    def _known(self) -> ColumnElement[int]:
        same = customers.alias("same")
        by_external_id = select(same.c.id).where(
            same.c.store_id == self.store_id, same.c.external_id == _staged.external_id
        )
        by_email = (
            select(same.c.id)
            .where(same.c.store_id == self.store_id, same.c.email == _staged.email)
            .order_by(same.c.deleted_at.is_not(None), same.c.id)
            .limit(1)
        )
        # The parts' numbers tell those without an external id: see `CustomerRows.staged`.
        return (by_email if self.part % 2 else by_external_id).scalar_subquery()

    async def _add(self) -> None:
        given = {name: _staged[name] for name in FIELDS}
        values: dict[str, Any] = {
            **given,
            "store_id": literal(self.store_id),
            "id": _matched.customer_id,
            "member": func.coalesce(_staged.member, false()),
            "source": func.coalesce(_staged.source, SOURCE),
            "created_at": literal(self.now, customers.c.created_at.type),
            "updated_at": literal(self.now, customers.c.updated_at.type),
            **dict.fromkeys(_EMPTY, false()),
        }
        rows = select(*values.values()).select_from(self._joined(import_customers))
        new = rows.where(self._of(import_customers), _matched.added).order_by(_staged.row)
        await self.tx.execute(insert(customers).from_select(list(values), new))
        zeros = select(
            _matched.store_id, _matched.customer_id, literal(0), literal(0, customer_facts.c.total_spent.type)
        )
        of_new = zeros.where(self._of(import_matches), _matched.added)
        names = ["store_id", "customer_id", "order_count", "total_spent"]
        await self.tx.execute(insert(customer_facts).from_select(names, of_new))

    async def _update(self) -> None:
        """Empty cells keep what is there."""
        kept: dict[str, Any] = {name: func.coalesce(_staged[name], customers.c[name]) for name in FIELDS}
        changes = or_(
            customers.c.deleted_at.is_not(None),
            *(and_(_staged[name].is_not(None), customers.c[name].is_distinct_from(_staged[name])) for name in FIELDS),
        )
        for address in ("email", "phone"):
            same = or_(_staged[address].is_(None), customers.c[address].is_not_distinct_from(_staged[address]))
            kept[f"{address}_verified"] = and_(customers.c[f"{address}_verified"], same)
        kept |= {"deleted_at": null(), "updated_at": literal(self.now, customers.c.updated_at.type)}
        await self._trust_again()
        await self.tx.execute(
            update(customers)
            .values(kept)
            .where(
                customers.c.store_id == self.store_id,
                customers.c.id == _matched.customer_id,
                self._of(import_matches),
                ~_matched.added,
                self._of(import_customers),
                _staged.row == _matched.row,
                changes,
            )
        )

    async def _trust_again(self) -> None:
        """What failed was an address that the customer had before."""
        moved = or_(
            *(and_(_staged[a].is_not(None), customers.c[a].is_distinct_from(_staged[a])) for a in ("email", "phone"))
        )
        same = customers, and_(customers.c.store_id == self.store_id, customers.c.id == _matched.customer_id)
        who = (
            select(_matched.customer_id)
            .select_from(self._joined(import_customers).join(*same))
            .where(self._of(import_customers), ~_matched.added, moved)
        )
        own = contacts.c.store_id == self.store_id, contacts.c.address.is_(None), contacts.c.invalid
        await self.tx.execute(update(contacts).where(*own, contacts.c.customer_id.in_(who)).values(invalid=False))

    async def _tags(self, known: int) -> None:
        if known:
            tagged = (
                select(_matched.customer_id)
                .select_from(self._joined(import_tags))
                .where(self._of(import_tags), ~_matched.added)
            )
            had = customer_tags.c
            kept = exists(
                select(literal(1))
                .select_from(self._joined(import_tags))
                .where(self._of(import_tags), _matched.customer_id == had.customer_id, import_tags.c.tag == had.tag)
            )
            await self.tx.execute(
                delete(customer_tags).where(had.store_id == self.store_id, had.customer_id.in_(tagged), ~kept)
            )
        rows = self._rows(import_tags, import_tags.c.tag)
        statement = insert_into(customer_tags, self.tx.dialect).from_select(["store_id", "customer_id", "tag"], rows)
        await self.tx.execute(statement.on_conflict_do_nothing())

    def _rows(self, table: Table, *columns: ColumnElement[Any]) -> Select[Any]:
        rows = select(literal(self.store_id), _matched.customer_id, *columns)
        return rows.select_from(self._joined(table)).where(self._of(table)).order_by(_matched.customer_id)

    async def _properties(self) -> None:
        staged, definition = import_properties.c, property_definitions.c
        typed = [
            case((definition.type == kind.value, staged[kind.column]), else_=null()).label(kind.column)
            for kind in ValueType
        ]
        defined = and_(definition.store_id == self.store_id, definition.key == staged.key)
        rows = (
            select(literal(self.store_id), _matched.customer_id, definition.id, *typed)
            .select_from(self._joined(import_properties).join(property_definitions, defined))
            .where(self._of(import_properties))
            .order_by(_matched.customer_id)
        )
        names = [kind.column for kind in ValueType]
        await self._upsert(customer_properties, ["store_id", "customer_id", "property_id"], names, rows)

    async def _upsert(self, table: Table, keys: Sequence[str], names: Sequence[str], rows: Select[Any]) -> None:
        statement = insert_into(table, self.tx.dialect).from_select([*keys, *names], rows)
        changed = or_(*(table.c[name].is_distinct_from(statement.excluded[name]) for name in names))
        await self.tx.execute(
            statement.on_conflict_do_update(
                index_elements=keys, set_={name: statement.excluded[name] for name in names}, where=changed
            )
        )

    async def _contacts(self) -> None:
        staged = import_contacts.c
        asked = staged.consent != Consent.NOT_SUBSCRIBED.value
        at = literal(self.now, contacts.c.consent_at.type)
        rows = self._rows(
            import_contacts,
            staged.channel,
            staged.address,
            staged.consent,
            case((asked, at), else_=null()),
            case((asked, literal(SOURCE)), else_=null()),
            false(),
        )
        names = ["store_id", "customer_id", "channel", "address", "consent", "consent_at", "consent_source", "invalid"]
        statement = insert_into(contacts, self.tx.dialect).from_select(names, rows)
        given = statement.excluded
        more = _rank(given.consent) > _rank(contacts.c.consent)
        moved = and_(given.address.is_not(None), contacts.c.address.is_distinct_from(given.address))
        await self.tx.execute(
            statement.on_conflict_do_update(
                index_elements=["store_id", "customer_id", "channel"],
                set_={
                    "address": func.coalesce(given.address, contacts.c.address),
                    "invalid": case((moved, false()), else_=contacts.c.invalid),
                    **{
                        name: case((more, given[name]), else_=contacts.c[name])
                        for name in ("consent", "consent_at", "consent_source")
                    },
                },
                where=or_(more, moved),
            )
        )


def _rank(consent: ColumnElement[str]) -> ColumnElement[int]:
    """As in `imported_consent`: a file only moves a consent up."""
    return case((consent == Consent.UNSUBSCRIBED.value, 2), (consent == Consent.SUBSCRIBED.value, 1), else_=0)
