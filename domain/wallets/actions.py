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
    """Replace the customers' lots, and their last change; `changes` are all that there ever were, by customer."""
    if changes:
        lots = {customer_id: remaining_lots(history) for customer_id, history in changes.items()}
        await queries.replace_lots(tx, store_id, wallet, lots)
        last_changes = {
            customer_id: max(history, key=lambda change: (change.occurred_at, change.id))
            for customer_id, history in changes.items()
            if history
        }
        await queries.store_last_changes(tx, store_id, wallet, last_changes)
        await data_changes.record_change(tx, store_id, ChangeKind.WALLETS, changes)


async def recompute_coupons(tx: Transaction, store_id: int, changes: Mapping[int, Sequence[CouponChange]]) -> None:
    """Replace the customers' coupons; `changes` are all that there ever were, by customer."""
    if changes:
        coupons = {customer_id: held_coupons(history) for customer_id, history in changes.items()}
        await queries.replace_coupons(tx, store_id, coupons)
        await data_changes.record_change(tx, store_id, ChangeKind.WALLETS, changes)
