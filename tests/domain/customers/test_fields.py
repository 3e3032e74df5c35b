"""What is derived of a customer's fields, and what cannot be, says the same of each as the table of fields."""

import re
from dataclasses import fields as fields_of
from datetime import date, datetime
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, build_schema
from sqlalchemy import Boolean, Date, String
from strawberry.utils.str_converters import to_camel_case

from domain.customers.fields import FIELDS, Field
from domain.customers.model import Customer, CustomerChange
from domain.customers.tables import customers
from domain.customers.upsert import upsert
from domain.deliveries.template_variables import template_variables
from domain.imports.tables import import_customers
from domain.kit.db import Database
from domain.kit.db.types import Instant
from domain.kit.values import Unset, ValueType
from domain.segments.catalogue import catalogue
from domain.stores import queries as stores
from domain.templates.rendering import MinijinjaTemplates
from tests.factories import NOW

ROOT = Path(__file__).parents[3]
SCHEMA = build_schema((ROOT / "schema.graphql").read_text())
NAMES = [field.name for field in FIELDS]
# Written by the store's own actions, by no client and no file.
OWN = {"store_id", "id", "blacklisted", "created_at", "updated_at", "deleted_at"}
PYTHON: dict[ValueType, type] = {
    ValueType.STRING: str,
    ValueType.BOOLEAN: bool,
    ValueType.DATE: date,
    ValueType.DATETIME: datetime,
}
COLUMNS: dict[ValueType, type] = {
    ValueType.STRING: String,
    ValueType.BOOLEAN: Boolean,
    ValueType.DATE: Date,
    ValueType.DATETIME: Instant,
}
GRAPHQL = {
    ValueType.STRING: "String",
    ValueType.BOOLEAN: "Boolean",
    ValueType.DATE: "Date",
    ValueType.DATETIME: "DateTime",
}


def types_of(model: type, name: str) -> set[Any]:
    hint = get_type_hints(model)[name]
    return set(get_args(hint)) if isinstance(hint, UnionType) or get_args(hint) else {hint}


def documented(page: str, section: str, column: int = 0) -> set[str]:
    """The names in code in a column of a section's table."""
    text = (ROOT / page).read_text().split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1 + column] for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_no_field_is_declared_twice_or_forgotten() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert {*NAMES, *OWN} == {field.name for field in fields_of(Customer)} == set(customers.c.keys()) - {"folded_name"}
    collections = {"tags", "properties", "contacts", "addresses"}
    assert {*NAMES, *collections} == {field.name for field in fields_of(CustomerChange)}
    inputs = SCHEMA.type_map["CustomerInput"]
    assert isinstance(inputs, GraphQLInputObjectType)
    assert {*map(to_camel_case, NAMES), *collections} == set(inputs.fields)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_field_is_of_one_type_everywhere(field: Field) -> None:
    python = field.choices or PYTHON[field.value_type]
    nullable: set[type] = set() if field.required else {type(None)}
    assert types_of(Customer, field.name) == {python, *nullable}
    assert types_of(CustomerChange, field.name) == {python, Unset, type(None)}
    assert isinstance(field.column.type, COLUMNS[field.value_type])
    outputs, inputs = SCHEMA.type_map["Customer"], SCHEMA.type_map["CustomerInput"]
    assert isinstance(outputs, GraphQLObjectType)
    assert isinstance(inputs, GraphQLInputObjectType)
    named = field.choices.__name__ if field.choices else GRAPHQL[field.value_type]
    assert field.graphql_name == to_camel_case(field.name)
    assert str(outputs.fields[field.graphql_name].type) == named + ("!" if field.required else "")
    assert str(inputs.fields[field.graphql_name].type) == named


def test_segments_ask_for_every_field() -> None:
    assert [name for name in NAMES if name not in catalogue().dimensions] == []


def test_files_have_a_column_for_every_field() -> None:
    imported = {field.name for field in FIELDS if field.imported}
    assert imported == set(NAMES)
    keys = {"store_id", "operation_id", "part", "row"}
    assert set(import_customers.c.keys()) == {
        *keys,
        *imported,
        "folded_name",
        "tags",
        "contacts",
        "addresses",
        "properties",
    }
    prefixed = {"tags", "property.KEY", "consent.CHANNEL", "contact.CHANNEL", "address.FIELD"}
    assert documented("docs/howto/import-data.md", "Customers") >= {*imported, *prefixed}


def test_templates_show_every_field_but_the_stores_own_notes() -> None:
    in_templates = {field.name for field in FIELDS if field.in_templates}
    assert set(NAMES) - in_templates == {"note"}
    names = {f"customer.{name}" for name in in_templates} | {"customer.property.KEY"}
    assert documented("docs/reference/template-variables.md", "Of the customer") == names


async def test_a_template_greets_by_first_name(database: Database, store_id: int) -> None:
    change = CustomerChange(external_id="a", first_name="Ann", last_name="Lin", company="Loom", note="Calls often")
    async with database.write() as tx:
        customer, _ = await upsert(tx, store_id, change, NOW)
        store = await stores.by_id(tx, store_id)
        assert store is not None
        variables = await template_variables(tx, store, [customer.id])
    template = MinijinjaTemplates().compile(
        "{{ customer.first_name }} {{ customer.last_name }} of {{ customer.company }}{{ customer.note }}"
    )
    assert template.render(variables[customer.id]) == "Ann Lin of Loom"
