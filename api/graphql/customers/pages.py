"""Pages of customers, in each order that the API offers."""

from collections.abc import Callable, Hashable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select

from api.graphql.kit import child_pages, pages
from api.graphql.kit.child_pages import ChildSelect
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context
from api.graphql.kit.keyset import Ordering, SortKey
from api.graphql.kit.nodes import Node, node
from domain.customers import queries
from domain.customers.model import CustomerOrder
from domain.customers.tables import HAS_FOLDED_NAME, customer_facts, customers
from domain.kit.db import AnyRow
from domain.kit.db.portable import ParentFilter

# Numbers are given in the order in which customers are made.
_OLDEST, _LATEST = SortKey(customers.c.id, int), SortKey(customers.c.id, int, descending=True)
_KEYS = {
    CustomerOrder.CREATED_AT_ASC: (_OLDEST,),
    CustomerOrder.CREATED_AT_DESC: (_LATEST,),
    CustomerOrder.NAME_ASC: (SortKey(customers.c.folded_name, str), _OLDEST),
    CustomerOrder.NAME_DESC: (SortKey(customers.c.folded_name, str, descending=True), _LATEST),
    CustomerOrder.TOTAL_SPENT_DESC: (SortKey(customer_facts.c.total_spent, Decimal, descending=True), _LATEST),
    CustomerOrder.LAST_ORDER_AT_DESC: (
        SortKey(customer_facts.c.last_order_at, datetime, descending=True, nullable=True),
        _LATEST,
    ),
}


async def connect(
    context: Context,
    select: Any,
    page: Page,
    order: CustomerOrder = CustomerOrder.CREATED_AT_DESC,
    *,
    seconds: float | None = None,
) -> Connection[Node]:
    """Return a page of a select that `domain.customers.queries.listing` began."""
    return await pages.connect(context, select, ordering(order), page, _customer, seconds=seconds)


async def connect_children(
    context: Context,
    parent: Hashable,
    kind: Hashable,
    rows: Callable[[ParentFilter], Select[Any]],
    page: Page,
) -> Connection[Node]:
    """Return a page of the customers that a parent has, such as the members of a list."""
    children = ChildSelect(kind, rows, lambda _: ordering(CustomerOrder.CREATED_AT_ASC), _customer)
    return await child_pages.connect(context, parent, children, page)


def ordering(order: CustomerOrder) -> Ordering:
    keys = _KEYS[order]
    by_name = keys[0].column is customers.c.folded_name
    return Ordering(f"customers.{order}.{keys[0].column.key}", keys, HAS_FOLDED_NAME if by_name else None)


def _customer(row: AnyRow) -> Node:
    return node("Customer", queries.profile_of(row))
