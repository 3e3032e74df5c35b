"""Checks that whatever a row refers to is there, and of the same store.

A new table is named here, under what its rows belong to; one without a parent is named in a check of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, Table, and_, exists, func, select

from api.doctor.check import CheckScope, DataCheck, Examination, Rows, WrongRows, found_rows, wrong_rows_of_all_stores
from api.doctor.findings import Finding, listed
from domain.accounts import tables as accounts
from domain.campaigns.tables import campaigns
from domain.channels import tables as channels
from domain.customers import tables as customers
from domain.deliveries import tables as deliveries
from domain.events import tables as events
from domain.imports import tables as imports
from domain.kit.db import Transaction
from domain.lifecycle import tables as lifecycle
from domain.lists.tables import list_members, lists
from domain.memberships.tables import segment_memberships, tracked_segments
from domain.migrations.tables import metadata
from domain.operations.tables import operation_problems, operations
from domain.orders import tables as orders
from domain.receipts import tables as receipts
from domain.segments.tables import segment_members, segments
from domain.stores.tables import channel_installations, idempotency_keys, stores
from domain.wallets import tables as wallets


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of a table that hold, beside the store, the key of a row of another: the parent's by the child's."""

    child: Table
    parent: Table
    columns: dict[str, str]
    # Jobs delete what is left of parents that are deleted: other checks look at those.
    erased_later: bool = False

    @property
    def problem(self) -> str:
        return f"rows of {self.child.name} whose {self.parent.name} row is missing"


def _of_customer(*tables: Table) -> Iterator[Reference]:
    return (Reference(table, customers.customers, {"customer_id": "id"}) for table in tables)


def _of_operation(parent: Table, *tables: Table) -> Iterator[Reference]:
    key = "id" if parent is operations else "operation_id"
    return (Reference(table, parent, {"operation_id": key}) for table in tables)


_ORDER = {"customer_id": "customer_id", "order_id": "id"}
_ITEM = {name: name for name in ("customer_id", "order_id", "position")}
_MESSAGE = {name: name for name in ("campaign_id", "customer_id")}

REFERENCES = (
    *_of_customer(
        customers.customer_facts,
        customers.customer_tags,
        customers.customer_addresses,
        customers.customer_origins,
        customers.customer_properties,
        customers.contacts,
        customers.objections,
        lifecycle.customer_scores,
        orders.order_customers,
        orders.orders,
        orders.customer_favourites,
        events.event_customers,
        events.events,
        events.event_counters,
        wallets.lots,
        wallets.changes,
        wallets.coupons,
        list_members,
        segment_members,
        segment_memberships,
        deliveries.deliveries,
    ),
    Reference(customers.customer_properties, customers.property_definitions, {"property_id": "id"}),
    Reference(orders.orders, orders.order_customers, {"customer_id": "customer_id", "id": "order_id"}),
    Reference(orders.order_customers, orders.orders, _ORDER),
    Reference(orders.order_items, orders.orders, _ORDER),
    Reference(orders.order_item_facets, orders.order_items, _ITEM),
    Reference(events.events, events.event_customers, {"customer_id": "customer_id", "id": "event_id"}),
    Reference(events.event_customers, events.events, {"customer_id": "customer_id", "event_id": "id"}),
    Reference(deliveries.deliveries, campaigns, {"campaign_id": "id"}),
    Reference(deliveries.delivery_batches, campaigns, {"campaign_id": "id"}),
    Reference(deliveries.sandbox_messages, deliveries.deliveries, _MESSAGE),
    Reference(deliveries.message_references, deliveries.deliveries, _MESSAGE),
    Reference(receipts.receipt_polls, channel_installations, {"channel": "channel"}),
    Reference(idempotency_keys, campaigns, {"subject_id": "id"}),
    Reference(lists, segments, {"segment_id": "id"}),
    Reference(list_members, lists, {"list_id": "id"}, erased_later=True),
    Reference(segment_members, segments, {"segment_id": "id"}, erased_later=True),
    Reference(tracked_segments, segments, {"segment_id": "id"}, erased_later=True),
    Reference(segment_memberships, tracked_segments, {"segment_id": "segment_id"}),
    *(
        Reference(table, channel_installations, {"channel": "channel"})
        for table in (
            channels.channel_states,
            channels.channel_authorizations,
            channels.channel_works,
            channels.channel_syncs,
        )
    ),
    Reference(accounts.channel_accounts, channel_installations, {"channel": "channel"}),
    Reference(accounts.account_slots, channel_installations, {"channel": "channel"}),
    Reference(channels.synced_lists, channels.channel_syncs, {"channel": "channel"}),
    *_of_operation(operations, operation_problems, imports.imports, imports.import_reports, imports.import_samples),
    *_of_operation(imports.imports, imports.uploads, *imports.STAGED),
)


def _orphans(reference: Reference) -> WrongRows:
    def rows(scope: CheckScope) -> Rows:
        if reference.child is events.event_customers and reference.parent is events.events:
            return _without_events(scope.store_id)
        child, parent = reference.child.alias("child"), reference.parent.alias("parent")
        key = [column for column in child.primary_key if column.name != "store_id"]
        named = {column.name: column for column in (*key, *(child.c[name] for name in reference.columns))}
        same = and_(*(parent.c[theirs] == child.c[ours] for ours, theirs in reference.columns.items()))
        missing = ~exists().where(parent.c.store_id == scope.store_id, same).correlate(child)
        return select(*named.values()).where(child.c.store_id == scope.store_id, missing)

    return WrongRows(reference.problem, rows)


def _without_events(store_id: int) -> Rows:
    """Compare as sets: an event's id is the last column of its table's key, so that no index finds it."""
    named, logged = events.event_customers.c, events.events.c
    ids = select(named.customer_id, named.event_id).where(named.store_id == store_id)
    return ids.except_(select(logged.customer_id, logged.id).where(logged.store_id == store_id))


async def find_rows_of_no_store(tx: Transaction, _: CheckScope) -> Sequence[Finding]:
    """Return the tables with rows of stores that do not exist, by one look at the index for each store."""
    unknown: list[str] = []
    for table in metadata.sorted_tables:
        if "store_id" in table.c:
            found = await wrong_rows_of_all_stores(tx, _unknown_stores(table))
            unknown += [f"{table.name} store_id={row['store_id']}" for row in found]
    return listed("tables have rows of a store that is missing", unknown)


def _unknown_stores(table: Table) -> Select[int]:
    number = table.c.store_id
    numbers = select(func.min(number).label("store_id")).cte("numbers", recursive=True)
    following = select(func.min(number)).where(number > numbers.c.store_id).correlate(numbers).scalar_subquery()
    numbers = numbers.union_all(select(following).where(numbers.c.store_id.is_not(None)))
    known = exists().where(stores.c.id == numbers.c.store_id)
    return select(numbers.c.store_id).where(numbers.c.store_id.is_not(None), ~known)


async def find_rows_of_another_store(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return campaigns and lists whose list or segment is another store's; what is merely missing is none of these."""
    pairs = ((campaigns, "list_id", lists), (lists, "segment_id", segments), (tracked_segments, "segment_id", segments))
    findings: list[Finding] = []
    for child, name, parent in pairs:
        own = parent.alias("own")
        lacks_own = ~exists().where(own.c.store_id == child.c.store_id, own.c.id == child.c[name])
        strangers = (
            select(*child.primary_key, parent.c.store_id.label("other_store_id"), child.c[name].label("other_id"))
            .select_from(child)
            .join(parent, and_(parent.c.id == child.c[name], parent.c.store_id != child.c.store_id))
            .where(lacks_own)
        )
        found = await wrong_rows_of_all_stores(tx, strangers)
        findings += found_rows(f"rows of {child.name} whose {name} is another store's", found, scope)
    return findings


DATA_CHECKS = (
    DataCheck(
        "stores' rows",
        "every row is of a store that exists",
        "the rows are of no use: find out who deleted the store, then delete them or restore it",
        [Examination(find_rows_of_no_store)],
    ),
    DataCheck(
        "strangers",
        "no row refers to another store's",
        "stop what wrote it; choose a list of the same store in the API",
        [Examination(find_rows_of_another_store, [campaigns, lists, tracked_segments])],
    ),
    DataCheck(
        "references",
        "whatever a row refers to is there",
        "restore the missing rows from a backup; where they are gone for good, delete the rows that are named",
        [_orphans(reference) for reference in REFERENCES if not reference.erased_later],
        each_store=True,
    ),
)
