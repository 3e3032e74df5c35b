"""Every statement on what statuses mean to a store, and the rules by which its orders are counted in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, delete, func, or_, select

from domain.customers import writes
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.orders.meanings import Meanings, StatusMeaning, preset_meaning
from domain.orders.model import SaleRules
from domain.orders.tables import order_statuses, orders
from domain.stores import queries as stores

_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """A status, what it means to the store, None for a word that nobody has classified, and its number of orders."""

    status: str
    meaning: StatusMeaning | None
    order_count: int


@dataclass(frozen=True, slots=True)
class StatusWords:
    """The different statuses of some orders and of their payments, which SQL can compare but not understand."""

    statuses: frozenset[str]
    payment_statuses: frozenset[str]


async def rules(tx: Transaction, store_id: int) -> SaleRules:
    """Return the rules by which the store's orders count.

    Whoever writes orders by them has locked the store's numbers (customers.writes.take_numbers), as those who change
    the rules have: no order is written by rules that do not hold, and no customer's facts by two at a time.
    """
    store = await stores.by_id(tx, store_id)
    assert store is not None
    return SaleRules(await _meanings(tx, store_id), store.currency, store.timezone)


async def _meanings(tx: Transaction, store_id: int) -> Meanings:
    said = select(order_statuses.c.status, order_statuses.c.meaning).where(order_statuses.c.store_id == store_id)
    return Meanings({row.status: StatusMeaning(row.meaning) for row in await tx.execute(said)})


async def words_of(
    tx: Transaction,
    source: FromClause,
    status: ColumnElement[Any],
    payment_status: ColumnElement[Any],
    *conditions: ColumnElement[bool],
) -> StatusWords:
    """Return the words of the rows of `source` that meet the conditions."""
    rows = (await tx.execute(select(status, payment_status).select_from(source).where(*conditions).distinct())).all()
    return StatusWords(
        frozenset(word for word, _ in rows if word is not None),
        frozenset(word for _, word in rows if word is not None),
    )


def is_counted(
    sale_rules: SaleRules,
    words: StatusWords,
    status: ColumnElement[Any],
    payment_status: ColumnElement[Any],
    total: ColumnElement[Any],
    quantity: ColumnElement[Any],
) -> ColumnElement[bool]:
    """Return in SQL what SaleRules.is_counted does, of orders whose statuses are among the words; never null."""
    meanings = sale_rules.meanings
    undone = meanings.undoing(words.payment_statuses)
    return and_(
        status.in_(meanings.sales(words.statuses)),
        or_(payment_status.is_(None), payment_status.not_in(undone)),
        total >= 0,
        quantity >= 0,
    )


async def list_statuses(tx: Transaction, store_id: int) -> Sequence[OrderStatus]:
    """Return the statuses of the store's orders, and those that it has classified, the most frequent first."""
    meanings = await _meanings(tx, store_id)
    number = func.count().label("orders")
    counts = select(orders.c.status, number).where(orders.c.store_id == store_id).group_by(orders.c.status)
    count_by_status: dict[str, int] = {row.status: row.orders for row in await tx.execute(counts)}
    statuses = (
        OrderStatus(status, meanings.of(status), count_by_status.get(status, 0))
        for status in {*count_by_status, *meanings.said}
    )
    return sorted(statuses, key=lambda status: (-status.order_count, status.status))


async def classify(tx: Transaction, store_id: int, said: Mapping[str, StatusMeaning | None]) -> bool:
    """Store what the statuses mean; None for what the shops mean by them. Return whether a meaning is another now."""
    await writes.take_numbers(tx, store_id, 0)
    before = await _meanings(tx, store_id)
    for status, meaning in said.items():
        if meaning is None:
            is_status = (order_statuses.c.store_id == store_id, order_statuses.c.status == status)
            await tx.execute(delete(order_statuses).where(*is_status))
            continue
        statement = insert_into(order_statuses, tx.dialect).values(
            store_id=store_id, status=status, meaning=meaning.value
        )
        await tx.execute(
            statement.on_conflict_do_update(
                index_elements=["store_id", "status"], set_={"meaning": statement.excluded.meaning}
            )
        )
    after = await _meanings(tx, store_id)
    return any(before.of(status) is not after.of(status) for status in said)


async def forget_known(tx: Transaction, store_id: int) -> None:
    """Let the shops' words mean what they mean there; migration 0015 has entered all words as sales."""
    entered = await tx.execute(select(order_statuses.c.status).where(order_statuses.c.store_id == store_id))
    known = [status for status in entered.scalars() if preset_meaning(status) is not None]
    for start in range(0, len(known), _AT_ONCE):
        is_known = order_statuses.c.status.in_(known[start : start + _AT_ONCE])
        await tx.execute(delete(order_statuses).where(order_statuses.c.store_id == store_id, is_known))
