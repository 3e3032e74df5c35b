"""Custom properties and tags: those that the store has, and the values of a customer."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import strawberry

from api.graphql.kit.audited import Observed, subject_of
from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import ValueType
from api.graphql.kit.errors import UserError, searched
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.mutation import mutation
from api.graphql.kit.nodes import Node
from api.graphql.kit.scalars import JSON, print_instant
from domain.customers import actions, model, queries
from domain.kit.db import Transaction
from domain.stores.model import TokenScope


@strawberry.type
class CustomerProperty:
    key: str
    value: JSON | None


@strawberry.type
class PropertyDefinition(Node):
    row: strawberry.Private[model.PropertyDefinition]

    id: strawberry.ID = derived(lambda self: encode("PropertyDefinition", self.row.id))
    key: str = derived(lambda self: self.row.key)
    label: str = derived(lambda self: self.row.label)
    type: ValueType = derived(lambda self: self.row.type)

    @classmethod
    def recorded(cls, row: model.PropertyDefinition) -> Mapping[str, object]:
        return {"key": row.key, "label": row.label, "type": row.type.value}


@strawberry.type
class PropertyDefinitionPayload:
    property_definition: PropertyDefinition | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class PropertyQuery:
    @strawberry.field
    async def property_definitions(self, info: Info) -> list[PropertyDefinition]:
        context = info.context
        async with context.database.read() as tx:
            return [PropertyDefinition(row=row) for row in await queries.definitions(tx, context.store_id)]

    @strawberry.field(
        description="The tags of the store's customers, in order; 250 at most. `prefix`: whatever its case and accents."
    )
    async def tags(self, info: Info, prefix: str | None = None) -> list[str]:
        context = info.context
        async with context.database.read() as tx:
            return await queries.known_tags(tx, context.store_id, searched(prefix, "prefix") or "")


async def _observe_property(context: Context, tx: Transaction, arguments: Mapping[str, Any]) -> Observed:
    key: str = arguments["key"]
    definitions = {row.key: row for row in await queries.definitions(tx, context.store_id)}
    row = definitions.get(key)
    return Observed(subject_of("Property", key), None if row is None else PropertyDefinition.recorded(row))


@strawberry.type
class PropertyMutation:
    @mutation(
        PropertyDefinitionPayload,
        TokenScope.WRITE,
        description="The key has 64 characters at most; the type never changes.",
        observe=_observe_property,
    )
    async def property_definition_create(
        self, context: Context, tx: Transaction, key: str, label: str, type: ValueType
    ) -> PropertyDefinitionPayload:
        row = await actions.define(tx, context.store_id, key, label, type, context.now)
        return PropertyDefinitionPayload(property_definition=PropertyDefinition(row=row))

    @mutation(
        PropertyDefinitionPayload,
        TokenScope.WRITE,
        description="Also deletes every customer's value of it.",
        observe=_observe_property,
    )
    async def property_definition_delete(
        self, context: Context, tx: Transaction, key: str
    ) -> PropertyDefinitionPayload:
        row = await actions.undefine(tx, context.store_id, key)
        return PropertyDefinitionPayload(property_definition=PropertyDefinition(row=row))


async def properties_of(context: Context, customer_id: int) -> list[CustomerProperty]:
    properties = await context.load(queries.properties_of, customer_id)
    answers: list[CustomerProperty] = []
    for property_ in properties:
        value: Any = property_.value
        if isinstance(value, datetime):
            value = print_instant(value)
        elif isinstance(value, date):
            value = value.isoformat()
        answers.append(CustomerProperty(key=property_.key, value=value))
    return answers
