"""Files of customers: a customer a row, whose columns are the customer's fields."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.customers import actions as customer_actions
from domain.customers import queries as customer_queries
from domain.customers import values, writes
from domain.customers.fields import FIELDS
from domain.customers.tables import contacts, customer_facts, customer_properties, customer_tags, customers
from domain.imports.customers import batch, merge, suppression
from domain.imports.customers.part import Part
from domain.imports.customers.property_types import inferred
from domain.imports.customers.rows import CustomerReader
from domain.imports.format import ImportKey, StagedRows
from domain.imports.header import header_error, refuse_unknown
from domain.imports.model import Progress
from domain.imports.style import style_of
from domain.imports.tables import import_customers
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.operations.model import Problem

COLUMNS = (*(field.name for field in FIELDS if field.imported), "tags")
_PREFIXES = ("property.", "consent.", "contact.")


class CustomerFormat:
    staging = import_customers
    written = (customers, customer_facts, customer_tags, customer_properties, contacts)

    def check_columns(self, names: Sequence[str]) -> None:
        known = (*COLUMNS, "property.KEY", "consent.CHANNEL", "contact.CHANNEL")
        refuse_unknown(names, lambda name: name in COLUMNS or name.startswith(_PREFIXES), known)
        if not {"external_id", "email", "phone"} & set(names):
            raise header_error("Customers need a column external_id, email or phone to be found by")
        for name in names:
            prefix, dot, key = name.partition(".")
            if dot:
                try:
                    _ = values.property_key(key) if prefix == "property" else values.channel(key)
                except DomainError as error:
                    raise header_error(f"The column {name!r}: {error.message}") from error

    async def reader(self, tx: Transaction, key: ImportKey, progress: Progress) -> CustomerReader:
        definitions = {
            definition.key: definition for definition in await customer_queries.definitions(tx, key.store_id)
        }
        style = await style_of(tx, key, progress)
        return CustomerReader(key, progress, style, definitions, tx.dialect)

    async def is_direct(self, tx: Transaction, key: ImportKey, columns: Sequence[str]) -> bool:
        defined = {definition.key for definition in await customer_queries.definitions(tx, key.store_id)}
        return all(
            name in COLUMNS or name.startswith(("consent.", "contact.")) or name.removeprefix("property.") in defined
            for name in columns
        )

    async def write(
        self, tx: Transaction, key: ImportKey, columns: Sequence[str], staged: StagedRows, now: datetime
    ) -> Sequence[Problem]:
        return await batch.write(tx, key, columns, staged, now)

    async def complete(
        self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime, *, dry_run: bool
    ) -> Progress:
        """Define the properties that are new, each of the type that all its values have."""
        if dry_run:
            return progress
        defined = {definition.key for definition in await customer_queries.definitions(tx, key.store_id)}
        for name, candidates in progress.property_types.items():
            if name not in defined:
                label = name.replace("_", " ").strip().capitalize() or name
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
