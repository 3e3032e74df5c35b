"""Balances of customers' wallets."""

from datetime import date
from decimal import Decimal

from api.graphql.kit.context import Context
from domain.kit.clock import day_of
from domain.kit.db import Transaction
from domain.wallets import queries
from domain.wallets.model import Wallet

_Key = tuple[int, Wallet, date]


async def balance(context: Context, customer_id: int, wallet: Wallet) -> Decimal:
    today = day_of(context.now, context.principal.store.timezone)
    return await context.load(_balances, (customer_id, wallet, today))


async def _balances(tx: Transaction, store_id: int, keys: list[_Key]) -> dict[_Key, Decimal]:
    [today] = {day for _, _, day in keys}
    customer_ids = sorted({customer_id for customer_id, _, _ in keys})
    balances = await queries.balances(tx, store_id, customer_ids, today)
    return {key: balances.get(key[:2], Decimal(0)) for key in keys}
