"""Compares stored wallets and coupons with what their events add up to, for `muster doctor` and for tests."""

from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select, union

from domain.customers.tables import customers
from domain.events.tables import event_counters
from domain.ingestion.projections import coupon_change, histories, wallet_change
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.types import MONEY_SCALE
from domain.wallets.model import COUPON_RECEIVED, COUPON_USED, Wallet, WalletChange, held_coupons, remaining_lots
from domain.wallets.tables import changes, coupons, lots

# Customers whose events are read at a time.
_RANGE = 5_000
_COUPONS = frozenset({COUPON_RECEIVED, COUPON_USED})
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class WalletMismatch:
    """A customer whose wallet, or coupons, are not what the events add up to; `kind` names the table's."""

    customer_id: int
    kind: str


async def mismatches(tx: Transaction, store_id: int, timezone: str) -> AsyncIterator[WalletMismatch]:
    """Yield the customers whose wallets differ, in the order of their ids; a few thousand are in memory at a time."""
    last = await tx.scalar(select(func.max(customers.c.id)).where(customers.c.store_id == store_id))
    for first in range(1, (last or 0) + 1, _RANGE):
        for wallet in Wallet:
            async for mismatch in _of_wallet(tx, store_id, wallet, timezone, first):
                yield mismatch
        async for mismatch in _of_coupons(tx, store_id, first):
            yield mismatch


async def _of_wallet(
    tx: Transaction, store_id: int, wallet: Wallet, timezone: str, first: int
) -> AsyncIterator[WalletMismatch]:
    last_change = select(changes.c.customer_id, changes.c.amount, changes.c.at)
    lot = select(lots.c.customer_id, lots.c.id, lots.c.remaining, lots.c.expires_on)
    stored = await _contents(tx, _in_range(lot, lots.c, store_id, first).where(lots.c.kind == wallet.value))
    stored_changes = await _contents(
        tx, _in_range(last_change, changes.c, store_id, first).where(changes.c.kind == wallet.value)
    )
    with_events = await _customers_with(tx, store_id, {wallet.event}, first)
    customer_ids = sorted({*stored, *stored_changes, *with_events})
    past = await _histories(tx, store_id, customer_ids, {wallet.event}, lambda row: wallet_change(row, timezone))
    for customer_id in customer_ids:
        history = past.get(customer_id, ())
        remaining: set[Hashable] = {
            (lot.id, _rounded(lot.remaining), lot.expires_on) for lot in remaining_lots(history)
        }
        if stored.get(customer_id, set()) != remaining:
            yield WalletMismatch(customer_id, wallet.value)
        elif stored_changes.get(customer_id, set()) != _last_of(history):
            yield WalletMismatch(customer_id, f"{wallet.value}, the last change")


async def _of_coupons(tx: Transaction, store_id: int, first: int) -> AsyncIterator[WalletMismatch]:
    columns = ("customer_id", "code", "coupon", "received_at", "expires_on", "used_at")
    coupon = select(*(coupons.c[name] for name in columns))
    stored = await _contents(tx, _in_range(coupon, coupons.c, store_id, first))
    customer_ids = sorted({*stored, *await _customers_with(tx, store_id, _COUPONS, first)})
    past = await _histories(tx, store_id, customer_ids, _COUPONS, coupon_change)
    for customer_id in customer_ids:
        held: set[Hashable] = {
            (held.code, held.coupon, held.received_at, held.expires_on, held.used_at)
            for held in held_coupons(past.get(customer_id, ()))
        }
        if stored.get(customer_id, set()) != held:
            yield WalletMismatch(customer_id, "coupons")


def _in_range(statement: Rows, columns: Any, store_id: int, first: int) -> Rows:
    return statement.where(columns.store_id == store_id, columns.customer_id.between(first, first + _RANGE - 1))


async def _contents(tx: Transaction, statement: Rows) -> dict[int, set[Hashable]]:
    """Return the rows of each customer, who is the first column, without that column."""
    rows: dict[int, set[Hashable]] = {}
    for customer_id, *values in await tx.execute(statement):
        rows.setdefault(customer_id, set()).add(tuple(values))
    return rows


async def _customers_with(tx: Transaction, store_id: int, types: set[str] | frozenset[str], first: int) -> list[int]:
    counter = event_counters.c
    of_types = [_in_range(select(counter.customer_id), counter, store_id, first).where(counter.type == type_)
                for type_ in sorted(types)]  # fmt: skip
    return list((await tx.execute(union(*of_types))).scalars())


async def _histories(
    tx: Transaction,
    store_id: int,
    customer_ids: Sequence[int],
    types: set[str] | frozenset[str],
    read: Callable[[AnyRow], Any],
) -> dict[int, list[Any]]:
    return await histories(tx, store_id, customer_ids, set(types), read) if customer_ids else {}


def _last_of(history: Sequence[WalletChange]) -> set[Hashable]:
    if not history:
        return set()
    last = max(history, key=lambda change: (change.occurred_at, change.id))
    return {(_rounded(last.amount), last.occurred_at)}


def _rounded(amount: Decimal) -> Decimal:
    """Return the amount as the database stores it."""
    return (amount * MONEY_SCALE).to_integral_value() / MONEY_SCALE
