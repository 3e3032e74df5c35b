"""Finds what a file of orders brings that is taken whole, and that somebody should know of."""

from sqlalchemy import func, or_, select

from domain.imports.format import ImportKey
from domain.imports.orders.rows import CUSTOMER_COLUMNS
from domain.imports.tables import import_order_rows, import_orders
from domain.kit.db import Transaction
from domain.operations.model import Problem, ProblemOutcome
from domain.orders import statuses
from domain.orders.model import SaleRules

# Of a kind; a column of free text is no column of statuses.
_MOST = 50
_row, _order = import_order_rows.c, import_orders.c


async def find(tx: Transaction, key: ImportKey) -> list[Problem]:
    """Return the statuses that nobody has classified, currencies that are not the store's, and unknown customers."""
    rules = await statuses.rules(tx, key.store_id)
    return [
        *await _unknown_statuses(tx, key, rules),
        *await _foreign_currencies(tx, key, rules),
        *await _unknown_customers(tx, key),
    ]


async def _unknown_statuses(tx: Transaction, key: ImportKey, rules: SaleRules) -> list[Problem]:
    """Return a notice for each status: one of its own, or of its payment where an order has none."""
    status = func.coalesce(_order.status, _order.payment_status)
    counts = select(status.label("word"), func.count().label("orders")).where(key.matches(_order), status.is_not(None))
    count_by_status = {row.word: row.orders for row in await tx.execute(counts.group_by(status))}
    unknown = sorted(word for word in count_by_status if rules.meanings.of(word) is None)[:_MOST]
    said = func.coalesce(_row.status, _row.payment_status)
    first = select(said.label("word"), func.min(_row.row).label("row"))
    of_word = (key.matches(_row), said.in_(unknown))
    first_rows = {row.word: row.row for row in await tx.execute(first.where(*of_word).group_by(said))}
    return [
        Problem(
            first_rows.get(word),
            f"status: {word!r} is a word that nobody has classified: {count_by_status[word]:,} orders with it count as "
            "no sale until orderStatusesClassify says what it means",
            column="status",
            value=word,
            outcome=ProblemOutcome.NOTICE,
        )
        for word in sorted(unknown, key=lambda word: first_rows.get(word) or 0)
    ]


async def _foreign_currencies(tx: Transaction, key: ImportKey, rules: SaleRules) -> list[Problem]:
    currency = _order.currency
    counts = select(currency, func.count().label("orders"), func.min(_order.last_row).label("row"))
    foreign = await tx.execute(counts.where(key.matches(_order), currency != rules.currency).group_by(currency))
    return [
        Problem(
            row.row,
            f"currency: {row.orders:,} orders are in {row.currency}, the store's currency is {rules.currency}: "
            "they count as orders, but their amounts in no sum",
            column="currency",
            value=row.currency,
            outcome=ProblemOutcome.NOTICE,
        )
        for row in sorted(foreign, key=lambda row: row.row)[:_MOST]
    ]


async def _unknown_customers(tx: Transaction, key: ImportKey) -> list[Problem]:
    """Return the orders that the store has, and that name a customer whom it has not: they stay whose they are."""
    kept = select(_order.order_id).where(
        key.matches(_order), _order.named_customer_id.is_(None), _order.stored_customer_id.is_not(None)
    )
    names = [_row[name] for name in CUSTOMER_COLUMNS]
    naming = (
        select(_row.row, *names)
        .where(key.matches(_row), _row.head, or_(*(name.is_not(None) for name in names)), _row.order_id.in_(kept))
        .order_by(_row.row)
        .limit(_MOST)
    )
    problems: list[Problem] = []
    for row in await tx.execute(naming):
        column = next(name for name in CUSTOMER_COLUMNS if getattr(row, name) is not None)
        message = f"{column}: no customer has it: the order stays with the one who has it"
        problems.append(Problem(row.row, message, None, column, getattr(row, column), ProblemOutcome.CELL_LEFT_OUT))
    return problems
