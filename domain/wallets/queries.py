"""Every statement on wallets; lots and coupons are replaced for all of a customer at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, delete, insert, or_, select, type_coerce

from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, exact_sum, in_array, insert_into
from domain.kit.db.types import MONEY_SCALE
from domain.wallets.model import HeldCoupon, Lot, Wallet, WalletChange
from domain.wallets.tables import changes, coupons, lots

Row = dict[str, object]


async def balances(
    tx: Transaction, store_id: int, customer_ids: Sequence[int], today: date
) -> dict[tuple[int, Wallet], Decimal]:
    """Return what remains of lots that have not expired by a day, without the wallets that have no such lot."""
    usable = or_(lots.c.expires_on.is_(None), lots.c.expires_on >= today)
    total = exact_sum(type_coerce(lots.c.remaining, BigInteger()), tx.dialect)
    rows = await tx.execute(
        select(lots.c.customer_id, lots.c.kind, total.label("total"))
        .where(lots.c.store_id == store_id, lots.c.customer_id.in_(customer_ids), usable)
        .group_by(lots.c.customer_id, lots.c.kind)
    )
    return {(row.customer_id, Wallet(row.kind)): Decimal(row.total) / MONEY_SCALE for row in rows}


async def replace_lots(
    tx: Transaction, store_id: int, wallet: Wallet, lots_by_customer: Mapping[int, Sequence[Lot]]
) -> None:
    of_customers = in_array(lots.c.customer_id, "customer_ids", tx.dialect)
    deletion = delete(lots).where(lots.c.store_id == store_id, lots.c.kind == wallet.value, of_customers)
    await tx.execute(deletion, {"customer_ids": array_value(list(lots_by_customer), tx.dialect)})
    rows: list[Row] = [
        {"store_id": store_id, "kind": wallet.value, "customer_id": customer_id, **asdict(lot)}
        for customer_id, customer_lots in lots_by_customer.items()
        for lot in customer_lots
    ]
    if rows:
        await tx.execute(insert(lots), rows)


async def store_last_changes(
    tx: Transaction, store_id: int, wallet: Wallet, last_changes: Mapping[int, WalletChange]
) -> None:
    rows: list[Row] = [
        {
            "store_id": store_id,
            "kind": wallet.value,
            "customer_id": customer_id,
            "amount": change.amount,
            "reason": change.reason,
            "at": change.occurred_at,
        }
        for customer_id, change in last_changes.items()
    ]
    statement = insert_into(changes, tx.dialect)
    values = {name: statement.excluded[name] for name in ("amount", "reason", "at")}
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["store_id", "kind", "customer_id"], set_=values), rows
    )


async def replace_coupons(
    tx: Transaction, store_id: int, coupons_by_customer: Mapping[int, Sequence[HeldCoupon]]
) -> None:
    of_customers = in_array(coupons.c.customer_id, "customer_ids", tx.dialect)
    deletion = delete(coupons).where(coupons.c.store_id == store_id, of_customers)
    await tx.execute(deletion, {"customer_ids": array_value(list(coupons_by_customer), tx.dialect)})
    rows: list[Row] = [
        {"store_id": store_id, "customer_id": customer_id, **asdict(coupon)}
        for customer_id, customer_coupons in coupons_by_customer.items()
        for coupon in customer_coupons
    ]
    if rows:
        await tx.execute(insert(coupons), rows)
