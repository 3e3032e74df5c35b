"""Filters find an address in any of its spellings, and whoever a channel reaches without a contact."""

import pytest
from muster_sdk import AddressKind

from domain.addresses import KNOWN_KINDS
from domain.customers.model import ContactChange, CustomerChange
from domain.customers.upsert import upsert_many
from domain.extensions import Extensions
from domain.kit.db import Database
from domain.segments.catalogue import catalogue
from domain.segments.compiler.select import customer_ids
from domain.segments.filters import AttributeCondition, Definition, Operator, Value
from domain.segments.sql.scope import FilterScope
from tests.factories import NOW

PLUGINS = Extensions(address_kinds={**KNOWN_KINDS, "pager": AddressKind.PHONE})


@pytest.mark.parametrize(
    ("dimension", "operator", "value", "found"),
    [
        ("email", Operator.IN, "INFO@xn--strae-oqa.example", {1}),
        ("email", Operator.IN, "info@strasse.example", set[int]()),
        ("email_domain", Operator.IN, "XN--strae-oqa.example", {1}),
        ("channel", Operator.IN, "email", {1}),
        ("channel", Operator.IN, "pager", {2}),
        ("channel", Operator.NOT_IN, "pager", {1, 3}),
        ("channel", Operator.STARTS_WITH, "pag", {2}),
        ("channel", Operator.IN, "line", {3}),
        ("channel", Operator.IN, "fax", set[int]()),
    ],
)
async def test_filters_find_addresses(
    database: Database, store_id: int, dimension: str, operator: Operator, value: Value, found: set[int]
) -> None:
    changes = [
        CustomerChange(external_id="a", email="info@straße.example"),
        CustomerChange(external_id="b", phone="+886912345678"),
        CustomerChange(external_id="c", contacts=[ContactChange("line", "U1")]),
    ]
    definition = Definition(AttributeCondition(dimension, operator, (value,)), None)
    async with database.write() as tx:
        await upsert_many(tx, store_id, changes, NOW)
        scope = FilterScope(store_id, "UTC", NOW, tx.dialect)
        matching = customer_ids(definition, catalogue(extensions=PLUGINS), scope, {})
        assert set((await tx.execute(matching)).scalars()) == found
