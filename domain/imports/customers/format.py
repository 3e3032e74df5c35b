"""Files of customers: a customer a row, whose columns are the customer's fields."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.customers import actions as customer_actions
from domain.customers import queries as customer_queries
from domain.customers import values, writes
from domain.customers.fields import FIELDS
from domain.customers.tables import (
    contacts,
    customer_addresses,
    customer_facts,
    customer_properties,
    customer_tags,
    customers,
)
from domain.imports.customers import batch, merge, suppression
from domain.imports.customers.address_columns import ADDRESS_FIELDS, address_field
from domain.imports.customers.part import Part
from domain.imports.customers.property_types import inferred
from domain.imports.customers.rows import CustomerReader
from domain.imports.format import DirectWriter, ImportKey
from domain.imports.mapping import header_error
from domain.imports.model import ImportKind, Progress
from domain.imports.style import style_of
from domain.imports.tables import import_customers
from domain.kit.db import Transaction

_FIELDS = (*(field.name for field in FIELDS if field.imported), "tags")


async def _are_typed(tx: Transaction, key: ImportKey, columns: Sequence[str]) -> bool:
    """Return whether the types of all columns are known before a row is read."""
    defined = {definition.key for definition in await customer_queries.definitions(tx, key.store_id)}
    return all(
        name in _FIELDS
        or name.startswith(("consent.", "contact.", "address."))
        or name.removeprefix("property.") in defined
        for name in columns
    )


class CustomerFormat:
    kind = ImportKind.CUSTOMERS
    staging = import_customers
    direct = DirectWriter(_are_typed, batch.write)
    written = (customers, customer_facts, customer_tags, customer_properties, contacts, customer_addresses)
    names = (
        *_FIELDS,
        *("property.KEY", "consent.CHANNEL", "contact.CHANNEL"),
        *(f"address.{name}" for name in ADDRESS_FIELDS),
    )

    def field(self, name: str) -> str | None:
        prefix, dot, key = name.partition(".")
        if not dot:
            return name if name in _FIELDS else None
        match prefix:
            case "property":
                return f"property.{values.key_of_label(key)}"
            case "consent" | "contact":
                return f"{prefix}.{values.channel(key)}"
            case "address":
                return address_field(key)
            case _:
                return None

    def check_columns(self, names: Sequence[str]) -> None:
        if not {"external_id", "email", "phone"} & set(names):
            raise header_error("Customers need a column external_id, email or phone to be found by")

    async def reader(self, tx: Transaction, key: ImportKey, progress: Progress) -> CustomerReader:
        definitions = {
            definition.key: definition for definition in await customer_queries.definitions(tx, key.store_id)
        }
        style = await style_of(tx, key, progress)
        return CustomerReader(key, progress, style, definitions, tx.dialect)

    async def complete(
        self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime, *, dry_run: bool
    ) -> Progress:
        """Define the properties that are new, each of the type that all its values have."""
        if dry_run:
            return progress
        defined = {definition.key for definition in await customer_queries.definitions(tx, key.store_id)}
        for name, candidates in progress.property_types.items():
            if name not in defined:
                label = progress.property_labels.get(name) or name.replace("_", " ").strip().capitalize() or name
                await customer_actions.add_definition(tx, key.store_id, name, label, inferred(candidates), now)
        return progress

    async def merge_next(self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime) -> Progress | None:
        number = progress.merged_part + 1
        if number > progress.last_part:
            return None
        # Whoever is erased from here on waits for this part.
        await writes.take_numbers(tx, key.store_id, 0)
        returning = await suppression.staged_rows(tx, key, number)
        progress = await suppression.leave_out(tx, key, progress, number, returning.erased_since)
        merged = await merge.merge(tx, Part(key, number), progress.columns, now, returning.objecting)
        return replace(progress, merged_part=number, merged_rows=progress.merged_rows + merged)
