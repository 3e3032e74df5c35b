"""Finds what a file of orders brings that is taken whole, and that somebody should know of."""

from collections.abc import Iterable, Mapping

from sqlalchemy import func, or_, select

from domain.imports.cells import cached
from domain.imports.format import ImportKey
from domain.imports.orders.additions import NewOrder
from domain.imports.orders.rows import CUSTOMER_COLUMNS
from domain.imports.tables import import_order_rows, import_orders
from domain.kit.db import Transaction
from domain.operations.model import Problem, ProblemOutcome
from domain.orders import statuses
from domain.orders.model import SaleRules

# Of a kind; a column of free text is no column of statuses.
_MOST = 50
_MOST_KEPT = 1_000
Words = Mapping[str, tuple[int, int]]
_row, _order = import_order_rows.c, import_orders.c


def with_new(noticed: Mapping[str, Words], new_orders: Iterable[NewOrder], rules: SaleRules) -> Mapping[str, Words]:
    """Return what was noticed of orders before these, and of these."""
    statuses_said, currencies = dict(noticed.get("status", {})), dict(noticed.get("currency", {}))
    is_unknown = cached(lambda word: rules.meanings.of(word) is None)
    for order in new_orders:
        if not order.is_own:
            _count(currencies, str(order.currency), 1, order.last_row)
        if not order.counted and order.said_status is not None and is_unknown(order.said_status):
            _count(statuses_said, order.said_status, 1, order.row)
    return {"status": statuses_said, "currency": currencies}


def _count(counts: dict[str, tuple[int, int]], word: str, number: int, row: int) -> None:
    before, first = counts.get(word, (0, row))
    if before or len(counts) < _MOST_KEPT:
        counts[word] = before + number, min(first, row)


async def find(tx: Transaction, key: ImportKey, noticed: Mapping[str, Words]) -> list[Problem]:
    """Return the statuses that nobody has classified, currencies that are not the store's, and unknown customers.

    `noticed`: what there is of it in orders that were written without staging them.
    """
    rules = await statuses.rules(tx, key.store_id)
    return [
        *await _unknown_statuses(tx, key, rules, noticed.get("status", {})),
        *await _foreign_currencies(tx, key, rules, noticed.get("currency", {})),
        *await _unknown_customers(tx, key),
    ]


async def _unknown_statuses(tx: Transaction, key: ImportKey, rules: SaleRules, written: Words) -> list[Problem]:
    """Return a notice for each status: one of its own, or of its payment where an order has none."""
    counts = {word: (number, row) for word, (number, row) in written.items() if rules.meanings.of(word) is None}
    status = func.coalesce(_order.status, _order.payment_status)
    staged = select(status.label("word"), func.count().label("orders")).where(key.matches(_order), status.is_not(None))
    number_by_word = {
        row.word: row.orders for row in await tx.execute(staged.group_by(status)) if rules.meanings.of(row.word) is None
    }
    if number_by_word:
        said = func.coalesce(_row.status, _row.payment_status)
        first = select(said.label("word"), func.min(_row.row).label("row"))
        of_word = (key.matches(_row), said.in_(sorted(number_by_word)[:_MOST_KEPT]))
        for row in await tx.execute(first.where(*of_word).group_by(said)):
            _count(counts, row.word, number_by_word[row.word], row.row)
    return [
        Problem(
            row,
            f"status: {word!r} is a word that nobody has classified: {number:,} orders with it count as no sale until "
            "orderStatusesClassify says what it means",
            column="status",
            value=word,
            outcome=ProblemOutcome.NOTICE,
        )
        for word, (number, row) in _first(counts)
    ]


async def _foreign_currencies(tx: Transaction, key: ImportKey, rules: SaleRules, written: Words) -> list[Problem]:
    counts = {word: (number, row) for word, (number, row) in written.items() if word != rules.currency}
    currency = _order.currency
    staged = select(currency.label("word"), func.count().label("orders"), func.min(_order.last_row).label("row"))
    for row in await tx.execute(staged.where(key.matches(_order), currency != rules.currency).group_by(currency)):
        _count(counts, row.word, row.orders, row.row)
    return [
        Problem(
            row,
            f"currency: {number:,} orders are in {word}, the store's currency is {rules.currency}: "
            "they count as orders, but their amounts in no sum",
            column="currency",
            value=word,
            outcome=ProblemOutcome.NOTICE,
        )
        for word, (number, row) in _first(counts)
    ]


def _first(counts: Words) -> list[tuple[str, tuple[int, int]]]:
    """Return the words, as many as are told, in the order of the file."""
    return sorted(counts.items(), key=lambda word: (word[1][1], word[0]))[:_MOST]


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
