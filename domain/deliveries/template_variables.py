"""The variables that templates can use: `customer.name`, `customer.property.KEY`, `store.name`."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, select

from domain.customers.tables import customer_properties, customers, property_definitions
from domain.kit.db import Transaction
from domain.kit.db.portable import among, numbers
from domain.stores.model import Store

_FIELDS = ("external_id", "name", "email", "phone", "gender", "birthday", "locale", "country", "city", "tier")


async def template_variables(
    tx: Transaction, store: Store, customer_ids: Sequence[int], *, with_properties: bool = True
) -> dict[int, dict[str, object]]:
    """Return the variables of each customer. Without properties, `customer.property` is empty."""
    parameters = {"store": store.id, "ids": numbers(customer_ids, tx.dialect)}
    properties: dict[int, dict[str, object]] = {}
    for row in await tx.execute(_properties(tx.dialect), parameters) if with_properties else ():
        values = (row.string, row.number, row.boolean, row.date, row.datetime)
        value = next((value for value in values if value is not None), None)
        properties.setdefault(row.customer_id, {})[row.key] = _plain(value)
    store_variables = {"name": store.name, "currency": store.currency}
    variables: dict[int, dict[str, object]] = {}
    for row in await tx.execute(_customers(tx.dialect), parameters):
        # A field that is not known is left out: templates show nothing for it, and `default` works.
        customer: dict[str, object] = {
            name: _plain(value) for name, value in zip(_FIELDS, row[1:], strict=True) if value is not None
        }
        customer["property"] = properties.get(row.id, {})
        variables[row.id] = {"customer": customer, "store": store_variables}
    return variables


@cache
def _customers(dialect: str) -> Select[*tuple[Any, ...]]:
    return select(customers.c.id, *(customers.c[name] for name in _FIELDS)).where(
        customers.c.store_id == bindparam("store"), among(customers.c.id, "ids", dialect)
    )


@cache
def _properties(dialect: str) -> Select[*tuple[Any, ...]]:
    values = customer_properties.c
    defined = and_(property_definitions.c.store_id == values.store_id, property_definitions.c.id == values.property_id)
    return (
        select(
            values.customer_id,
            property_definitions.c.key,
            values.string,
            values.number,
            values.boolean,
            values.date,
            values.datetime,
        )
        .join(property_definitions, defined)
        .where(values.store_id == bindparam("store"), among(values.customer_id, "ids", dialect))
    )


def _plain(value: Any) -> object:
    """Return what templates print as people write it: a whole number without a point, a date as ISO 8601."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat()
