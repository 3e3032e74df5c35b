"""Writes what customers hold, whole customers at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, ColumnElement, cast, delete, func, insert, or_, select

from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, in_array, insert_into
from domain.kit.db.types import MONEY_SCALE
from domain.wallets.model import HeldCoupon, Lot, Wallet, WalletChange
from domain.wallets.tables import changes, coupons, lots

Row = dict[str, object]


async def balances(
    tx: Transaction, store_id: int, customers: Sequence[int], today: date
) -> dict[tuple[int, Wallet], Decimal]:
    """What is left of lots that have not expired by a day; nothing of those who hold nothing."""
    usable = or_(lots.c.expires_on.is_(None), lots.c.expires_on >= today)
    total: ColumnElement[int] = cast(func.sum(lots.c.remaining), BigInteger)
    rows = await tx.execute(
        select(lots.c.customer_id, lots.c.kind, total)
        .where(lots.c.store_id == store_id, lots.c.customer_id.in_(customers), usable)
        .group_by(lots.c.customer_id, lots.c.kind)
    )
    return {(customer_id, Wallet(kind)): Decimal(held) / MONEY_SCALE for customer_id, kind, held in rows}


async def replace_lots(tx: Transaction, store_id: int, wallet: Wallet, held: Mapping[int, Sequence[Lot]]) -> None:
    """In place of the customers' lots that were there."""
    theirs = in_array(lots.c.customer_id, "whose", tx.dialect)
    gone = delete(lots).where(lots.c.store_id == store_id, lots.c.kind == wallet.value, theirs)
    await tx.execute(gone, {"whose": array_value(list(held), tx.dialect)})
    rows: list[Row] = [
        {"store_id": store_id, "kind": wallet.value, "customer_id": customer_id, **asdict(lot)}
        for customer_id, own_lots in held.items()
        for lot in own_lots
    ]
    if rows:
        await tx.execute(insert(lots), rows)


async def store_last_changes(tx: Transaction, store_id: int, wallet: Wallet, last: Mapping[int, WalletChange]) -> None:
    rows: list[Row] = [
        {
            "store_id": store_id,
            "kind": wallet.value,
            "customer_id": customer_id,
            "amount": change.amount,
            "reason": change.reason,
            "at": change.at,
        }
        for customer_id, change in last.items()
    ]
    statement = insert_into(changes, tx.dialect)
    given = {name: statement.excluded[name] for name in ("amount", "reason", "at")}
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["store_id", "kind", "customer_id"], set_=given), rows
    )


async def replace_coupons(tx: Transaction, store_id: int, held: Mapping[int, Sequence[HeldCoupon]]) -> None:
    """In place of the customers' coupons that were there."""
    theirs = in_array(coupons.c.customer_id, "whose", tx.dialect)
    gone = delete(coupons).where(coupons.c.store_id == store_id, theirs)
    await tx.execute(gone, {"whose": array_value(list(held), tx.dialect)})
    rows: list[Row] = [
        {"store_id": store_id, "customer_id": customer_id, **asdict(coupon)}
        for customer_id, own_coupons in held.items()
        for coupon in own_coupons
    ]
    if rows:
        await tx.execute(insert(coupons), rows)
