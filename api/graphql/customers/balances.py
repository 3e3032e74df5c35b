"""What customers hold."""

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
    return await context.loader(_balances).load((customer_id, wallet, today))


async def _balances(tx: Transaction, store_id: int, wanted: list[_Key]) -> list[Decimal]:
    [today] = {key[2] for key in wanted}
    customers = sorted({customer_id for customer_id, _, _ in wanted})
    found = await queries.balances(tx, store_id, customers, today)
    return [found.get((customer_id, wallet), Decimal(0)) for customer_id, wallet, _ in wanted]
