"""Checks of customers: their numbers and identities, and whatever is counted of their orders and events."""

from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import Column, and_, exists, func, or_, select, union_all

from api.doctor.check import CheckScope, DataCheck, Examination, Rows, WrongRows
from api.doctor.findings import MAX_NAMED, Finding
from domain.consents.tables import suppressions
from domain.customers.record_objections import said_by_records
from domain.customers.tables import (
    contacts,
    customer_facts,
    customer_numbers,
    customer_origins,
    customers,
    objections,
)
from domain.events import counters
from domain.events.tables import event_counters
from domain.ingestion import wallet_mismatches
from domain.ingestion.first_visits import VISIT
from domain.kit.db import Transaction
from domain.lifecycle.tables import customer_scores
from domain.orders import facts, favourites, statuses
from domain.orders.tables import order_items, orders
from domain.stores import queries as stores
from domain.wallets import tables as wallets

_customer, _fact, _origin, _counter = customers.c, customer_facts.c, customer_origins.c, event_counters.c


def _without_facts(scope: CheckScope) -> Rows:
    of_customer = exists().where(_fact.store_id == scope.store_id, _fact.customer_id == _customer.id)
    return select(_customer.id.label("customer_id")).where(_customer.store_id == scope.store_id, ~of_customer)


def _beyond_numbers(scope: CheckScope) -> Rows:
    of_store = customer_numbers.c.store_id == scope.store_id
    last = func.coalesce(select(customer_numbers.c.last).where(of_store).scalar_subquery(), 0)
    return select(_customer.id.label("customer_id")).where(_customer.store_id == scope.store_id, _customer.id > last)


def _same_external_id(scope: CheckScope) -> Rows:
    return (
        select(func.min(_customer.id).label("customer_id"), func.max(_customer.id).label("other_id"))
        .where(_customer.store_id == scope.store_id, _customer.external_id.is_not(None))
        .group_by(_customer.external_id)
        .having(func.count() > 1)
    )


def _same_address(column: Column[str]) -> WrongRows:
    def rows(scope: CheckScope) -> Rows:
        anonymous = (_customer.external_id.is_(None), _customer.deleted_at.is_(None), column.is_not(None))
        return (
            select(func.min(_customer.id).label("customer_id"), func.max(_customer.id).label("other_id"))
            .where(_customer.store_id == scope.store_id, *anonymous)
            .group_by(column)
            .having(func.count() > 1)
        )

    return WrongRows(
        f"{column.name} entries that several customers without external id have: only the first is found by it",
        rows,
        warning=True,
    )


def _other_origins(scope: CheckScope) -> Rows:
    same = and_(_counter.store_id == scope.store_id, _counter.type == VISIT, _counter.customer_id == _customer.id)
    first_visit = select(_counter.first_at).where(same).correlate(customers).scalar_subquery()
    stored = select(_origin.at).where(_origin.store_id == scope.store_id, _origin.customer_id == _customer.id)
    origin = stored.correlate(customers).scalar_subquery()
    # Of who was erased, the first visit is gone and the events are not.
    is_live = _customer.deleted_at.is_(None)
    differs = origin.is_distinct_from(first_visit)
    return select(_customer.id.label("customer_id")).where(_customer.store_id == scope.store_id, is_live, differs)


def _wrong_scores(scope: CheckScope) -> Rows:
    score = customer_scores.c
    is_wrong = or_(*(~score[name].between(1, 5) for name in ("recency", "frequency", "monetary")))
    return select(score.customer_id).where(score.store_id == scope.store_id, is_wrong)


def _unreadable_noes(scope: CheckScope) -> Rows:
    no = suppressions.c
    return select(no.created_at).where(no.store_id == scope.store_id, func.length(no.hash) != sha256().digest_size)


def _without_objection(scope: CheckScope) -> Rows:
    """Select who is unsubscribed or blacklisted, at an address that another customer would be written to at."""
    said = union_all(*said_by_records(scope.store_id, scope.now)).subquery("said").c
    known = objections.c
    same = exists().where(
        known.store_id == scope.store_id,
        *(known[name] == said[name] for name in ("address", "channel", "reason")),
    )
    return select(said.customer_id, said.channel, said.reason).where(~same)


def _unknown_channels(scope: CheckScope) -> Rows:
    known = list(scope.runtime.plugins.channels)
    of_store = contacts.c.store_id == scope.store_id
    return (
        select(contacts.c.channel, func.min(contacts.c.customer_id).label("customer_id"))
        .where(of_store, contacts.c.channel.not_in(known))
        .group_by(contacts.c.channel)
    )


async def find_wrongly_counted(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return orders that count against the rules, or do not, or whose money is taken for that of the store."""
    order, of_store = orders.c, orders.c.store_id == scope.store_id
    rules = await statuses.rules(tx, scope.store_id)
    words = await statuses.words_of(tx, orders, order.status, order.payment_status, of_store)
    amount = func.coalesce(order.total, order.foreign_total)
    is_counted = statuses.is_counted(rules, words, order.status, order.payment_status, amount, order.quantity)
    is_foreign = and_(order.currency.is_not(None), order.currency != rules.currency)
    differs = or_(order.counted != is_counted, order.total.is_(None) != is_foreign)
    wrong = select(order.customer_id, order.id).where(of_store, differs)
    total = await tx.scalar(select(func.count()).select_from(wrong.subquery()))
    rows = await tx.execute(wrong.order_by(order.customer_id, order.id).limit(MAX_NAMED))
    names = tuple(f"customer_id={row.customer_id} id={row.id!r}" for row in rows)
    problem = "orders that count against their status, or do not"
    return [Finding(problem, scope.store_id, names, total)] if total else []


def _unlike_their_order(scope: CheckScope) -> Rows:
    item, order = order_items.c, orders.c
    same = and_(order.store_id == scope.store_id, order.customer_id == item.customer_id, order.id == item.order_id)
    counted = and_(order.counted, item.quantity >= 0)
    differs = or_(item.counted != counted, item.placed_at != order.placed_at)
    keys = (item.customer_id, item.order_id, item.position)
    return select(*keys).join(orders, same).where(item.store_id == scope.store_id, differs)


def _wrong_lines(scope: CheckScope) -> Rows:
    item, order = order_items.c, orders.c
    same = and_(item.store_id == scope.store_id, item.customer_id == order.customer_id, item.order_id == order.id)
    lines = select(func.count()).select_from(order_items).where(same).correlate(orders).scalar_subquery()
    return select(order.customer_id, order.id).where(order.store_id == scope.store_id, order.lines != lines)


async def find_wrong_wallets(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    timezone = await stores.timezone_of(tx, scope.store_id)
    names: list[str] = []
    total = 0
    async for mismatch in wallet_mismatches.mismatches(tx, scope.store_id, timezone):
        total += 1
        if total <= MAX_NAMED:
            names.append(f"customer_id={mismatch.customer_id} {mismatch.kind}")
    problem = "wallets are not what their events add up to"
    return [Finding(problem, scope.store_id, tuple(names), total)] if total else []


_RECOUNTED = "send an event or an order of the customer again, which counts anew; tell us what went before"
DATA_CHECKS = (
    DataCheck(
        "customers",
        "customers have facts, and numbers and ids of their own",
        "add the missing row of facts, or raise `last` of customer_numbers; merge customers who are one in the shop",
        [
            WrongRows("customers without facts", _without_facts),
            WrongRows("customers with a number that is still to be given", _beyond_numbers),
            WrongRows("external ids that several customers have", _same_external_id),
            _same_address(_customer.email),
            _same_address(_customer.phone),
        ],
        each_store=True,
    ),
    DataCheck(
        "facts",
        "the stored figures of orders equal a recount",
        _RECOUNTED,
        [WrongRows("customers have wrong counts", lambda scope: facts.mismatched(scope.store_id, scope.dialect))],
        each_store=True,
    ),
    DataCheck(
        "favourites",
        "what customers buy most is what their orders say",
        _RECOUNTED,
        [WrongRows("favourites differ from a recount", lambda scope: favourites.mismatched(scope.store_id))],
        each_store=True,
    ),
    DataCheck(
        "counters",
        "the stored counts of events equal a recount",
        "correct the row of event_counters by the events of the customer",
        [WrongRows("counters differ from a recount", lambda scope: counters.mismatched(scope.store_id))],
        each_store=True,
    ),
    DataCheck(
        "origins",
        "first visits are those of the events",
        "delete the row of customer_origins: the next visit makes it again",
        [WrongRows("customers whose origin is not their first visit", _other_origins)],
        each_store=True,
    ),
    DataCheck(
        "wallets",
        "points, credits, gift cards and coupons are what their events add up to",
        "send any wallet event of the customer: all are counted anew",
        [Examination(find_wrong_wallets, [wallets.lots, wallets.changes, wallets.coupons])],
        each_store=True,
    ),
    DataCheck(
        "scores",
        "scores go from 1 to 5",
        "have the store scored again: change a threshold, or wait for the night",
        [WrongRows("customers with a score that there is not", _wrong_scores)],
        each_store=True,
    ),
    DataCheck(
        "orders",
        "orders and their items agree",
        "send the order again with all its items; classify a status again, which counts all orders anew",
        [
            Examination(find_wrongly_counted, [orders]),
            WrongRows("items that differ from their order in time or in whether they count", _unlike_their_order),
            WrongRows("orders with another number of items than they say", _wrong_lines),
        ],
        each_store=True,
    ),
    DataCheck(
        "suppressions",
        "addresses object to what their customers do, and those of who was erased",
        "withdraw the consent once more by consentUpdate, or blacklist the customer anew; restore a hash that is cut "
        "off from a backup",
        [
            WrongRows("noes whose hash is cut off", _unreadable_noes),
            WrongRows("customers who object, and whose address does not", _without_objection),
        ],
        each_store=True,
    ),
    DataCheck(
        "consents",
        "every consent is for a channel that a plugin brings",
        "install the plugin of the channel; consents of one that is gone do no harm",
        [WrongRows("channels of consents that no plugin brings", _unknown_channels, warning=True)],
        each_store=True,
    ),
)
