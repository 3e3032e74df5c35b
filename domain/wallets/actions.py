"""Brings wallets to what the changes to them add up to, however late those came in."""

from collections.abc import Mapping, Sequence

from domain import changes as data_changes
from domain.changes import ChangeKind
from domain.kit.db import Transaction
from domain.wallets import queries
from domain.wallets.model import CouponChange, Wallet, WalletChange, held_coupons, remaining_lots


async def recompute(
    tx: Transaction, store_id: int, wallet: Wallet, changes: Mapping[int, Sequence[WalletChange]]
) -> None:
    """`changes`: all there ever were, by customer."""
    if changes:
        await queries.replace_lots(
            tx, store_id, wallet, {customer: remaining_lots(own) for customer, own in changes.items()}
        )
        last = {customer: max(own, key=lambda each: (each.at, each.id)) for customer, own in changes.items() if own}
        await queries.store_last_changes(tx, store_id, wallet, last)
        await data_changes.record_change(tx, store_id, ChangeKind.WALLETS, changes)


async def recompute_coupons(tx: Transaction, store_id: int, changes: Mapping[int, Sequence[CouponChange]]) -> None:
    """`changes`: all there ever were, by customer."""
    if changes:
        await queries.replace_coupons(tx, store_id, {customer: held_coupons(own) for customer, own in changes.items()})
        await data_changes.record_change(tx, store_id, ChangeKind.WALLETS, changes)
