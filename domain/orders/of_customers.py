"""Rows of orders and of their items, of customers whose ids are one array parameter."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Select,
    Subquery,
    Table,
    Text,
    bindparam,
    func,
    select,
    true,
)

from domain.kit.db.portable import in_array

IDS = "customer_ids"


def named_customers(dialect: str) -> Subquery:
    """Return a table of the ids, whose only column is `customer_id`."""
    ids: ColumnElement[int]
    if dialect == "postgresql":
        ids = func.unnest(bindparam(IDS, type_=ARRAY(BigInteger))).column_valued("id")
    else:
        ids = func.json_each(bindparam(IDS, type_=Text())).table_valued("value").c.value
    return select(ids.label("customer_id")).subquery("named")


def counted_rows(table: Table, store_id: int, columns: Sequence[Column[Any]], dialect: str) -> Select[*tuple[Any, ...]]:
    """Select the customer and these columns of the rows that count, of a table whose key begins with the customer."""
    row = table.c
    if dialect != "postgresql":
        is_counted = (row.store_id == store_id, row.counted, in_array(row.customer_id, IDS, dialect))
        return select(row.customer_id, *columns).where(*is_counted)
    named = named_customers(dialect)
    # Behind OFFSET, PostgreSQL asks for each customer by the key, whatever it expects of a table that it has not
    # counted yet: the indexes of what counts are of no use to it.
    of_customer = (
        select(row.counted, *columns)
        .where(row.store_id == store_id, row.customer_id == named.c.customer_id)
        .offset(0)
        .lateral("of_customer")
    )
    found = (of_customer.c[column.name] for column in columns)
    return select(named.c.customer_id, *found).select_from(named.join(of_customer, true())).where(of_customer.c.counted)
