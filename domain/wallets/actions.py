"""Brings wallets to what the changes to them add up to, however late those came in."""

from collections.abc import Mapping, Sequence

from domain import changes as data_changes
from domain.changes import ChangeKind
from domain.kit.db import Transaction
from domain.wallets import queries
from domain.wallets.model import Change, CouponChange, Wallet, held, left


async def settle(tx: Transaction, store_id: int, wallet: Wallet, changes: Mapping[int, Sequence[Change]]) -> None:
    """`changes`: all there ever were, by customer."""
    if changes:
        await queries.put_lots(tx, store_id, wallet, {customer: left(own) for customer, own in changes.items()})
        last = {customer: max(own, key=lambda each: (each.at, each.id)) for customer, own in changes.items() if own}
        await queries.put_last_changes(tx, store_id, wallet, last)
        await data_changes.record_change(tx, store_id, ChangeKind.WALLETS, changes)


async def settle_coupons(tx: Transaction, store_id: int, changes: Mapping[int, Sequence[CouponChange]]) -> None:
    """`changes`: all there ever were, by customer."""
    if changes:
        await queries.put_coupons(tx, store_id, {customer: held(own) for customer, own in changes.items()})
        await data_changes.record_change(tx, store_id, ChangeKind.WALLETS, changes)
