"""Writes customers and what belongs to them from selects, whose columns bear the names of those that they fill."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    case,
    false,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)

from domain.addresses import AddressKinds
from domain.customers.model import Consent
from domain.customers.own_addresses import own_address
from domain.customers.tables import contacts, customer_addresses, customer_facts, customer_properties, customers
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into


async def add(tx: Transaction, selected: Select[*tuple[Any, ...]]) -> None:
    """Add the new customers that a select gives, each with facts that count nothing."""
    await _insert(tx, customers, selected)
    column = selected.selected_columns
    zero = literal(0, customer_facts.c.total_spent.type)
    facts = selected.with_only_columns(column.store_id, column.id, literal(0), zero, maintain_column_froms=True)
    names = ["store_id", "customer_id", "order_count", "total_spent"]
    await tx.execute(insert(customer_facts).from_select(names, facts))


async def update_and_restore(
    tx: Transaction, store_id: int, values: Mapping[str, Any], now: datetime, *conditions: ColumnElement[bool]
) -> None:
    """Update the store's customers that the conditions select, and restore those that were deleted.

    The values and the conditions may read another table beside the customers.
    """
    restored = {"deleted_at": null(), "updated_at": literal(now, customers.c.updated_at.type)}
    await tx.execute(
        update(customers).values({**values, **restored}).where(customers.c.store_id == store_id, *conditions)
    )


async def put_facts(tx: Transaction, selected: Select[*tuple[Any, ...]], parameters: Mapping[str, object]) -> None:
    """Store customers' facts, as far as they have changed."""
    await _upsert(tx, customer_facts, selected, parameters)


async def put_properties(tx: Transaction, selected: Select[*tuple[Any, ...]], *, all_new: bool) -> None:
    """Store values of properties, as far as they have changed. `all_new`: their customers are, and have none yet."""
    if all_new:
        await _insert(tx, customer_properties, selected)
    else:
        await _upsert(tx, customer_properties, selected)


async def merge_contacts(
    tx: Transaction, selected: Select[*tuple[Any, ...]], kinds: AddressKinds, *, all_new: bool
) -> None:
    """Add contacts, or merge them with those that customers have: a consent moves up only, as by `imported_consent`.

    An address that is null leaves the contact's; one that is another than that which is written to is no longer
    invalid. `all_new`: the customers are, and
    have no contacts yet.
    """
    if all_new:
        await _insert(tx, contacts, selected)
        return
    statement = insert_into(contacts, tx.dialect).from_select(selected.selected_columns.keys(), selected)
    before, after = contacts.c, statement.excluded
    is_higher = _rank(after.consent) > _rank(before.consent)
    # As literals, for a subquery of an upsert does not correlate by itself.
    store_id, customer_id, channel = (
        literal_column(f"contacts.{name}", before[name].type) for name in ("store_id", "customer_id", "channel")
    )
    own = select(own_address(channel, customers.c.email, customers.c.phone, kinds)).where(
        customers.c.store_id == store_id, customers.c.id == customer_id
    )
    written_to = func.coalesce(before.address, own.scalar_subquery())
    has_moved = and_(after.address.is_not(None), after.address.is_distinct_from(written_to))
    values: dict[str, ColumnElement[Any]] = {
        name: case((is_higher, after[name]), else_=before[name]) for name in ("consent", "consent_at", "consent_source")
    }
    values["address"] = func.coalesce(after.address, before.address)
    values["invalid"] = case((has_moved, false()), else_=before.invalid)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=list(contacts.primary_key.columns), set_=values, where=or_(is_higher, has_moved)
        )
    )


async def merge_addresses(tx: Transaction, selected: Select[*tuple[Any, ...]], *, all_new: bool) -> None:
    """Add addresses, or write what is selected into those that customers have at the same positions.

    What is null leaves what there is. `all_new`: the customers are, and have no addresses yet.
    """
    if all_new:
        await _insert(tx, customer_addresses, selected)
        return
    names = selected.selected_columns.keys()
    statement = insert_into(customer_addresses, tx.dialect).from_select(names, selected)
    before, after = customer_addresses.c, statement.excluded
    changing = [name for name in names if not before[name].primary_key]
    differs = (and_(after[name].is_not(None), before[name].is_distinct_from(after[name])) for name in changing)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=list(customer_addresses.primary_key.columns),
            set_={name: func.coalesce(after[name], before[name]) for name in changing},
            where=or_(*differs),
        )
    )


def _rank(consent: ColumnElement[str]) -> ColumnElement[int]:
    return case((consent == Consent.UNSUBSCRIBED.value, 2), (consent == Consent.SUBSCRIBED.value, 1), else_=0)


async def _insert(tx: Transaction, table: Table, selected: Select[*tuple[Any, ...]]) -> None:
    await tx.execute(insert(table).from_select(selected.selected_columns.keys(), selected))


async def _upsert(
    tx: Transaction, table: Table, selected: Select[*tuple[Any, ...]], parameters: Mapping[str, object] | None = None
) -> None:
    """Insert the rows, or update those that differ."""
    names = selected.selected_columns.keys()
    statement = insert_into(table, tx.dialect).from_select(names, selected)
    before, after = table.c, statement.excluded
    changing = [name for name in names if not before[name].primary_key]
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={name: after[name] for name in changing},
            where=or_(*(before[name].is_distinct_from(after[name]) for name in changing)),
        ),
        parameters,
    )
