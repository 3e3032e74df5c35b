"""Single changes to a customer, and the custom properties that customers may have."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry

from api.graphql.customers.types import CustomerUpsertPayload, PropertyDefinition, with_facts
from api.graphql.kit import global_ids
from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.enums import ValueType
from api.graphql.kit.errors import UserError, searched, user_errors
from domain.customers import actions, model, queries
from domain.customers.actions import BY_HAND
from domain.customers.model import Consent, ContactChange
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode
from domain.stores.model import TokenScope


@strawberry.type
class CustomerDeletePayload:
    deleted_id: strawberry.ID | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class PropertyDefinitionPayload:
    property_definition: PropertyDefinition | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class ProfileQuery:
    @strawberry.field(description="The tags of the store's customers, in order; 250 at most.")
    async def tags(self, info: Info, prefix: str | None = None) -> list[str]:
        context = allow(info, TokenScope.READ)
        async with context.database.read() as tx:
            return await queries.known_tags(tx, context.store_id, searched(prefix, "prefix") or "")


@strawberry.type
class ProfileMutation:
    @strawberry.mutation(description="`erase` also removes what identifies the person.")
    async def customer_delete(self, info: Info, id: strawberry.ID, erase: bool | None = False) -> CustomerDeletePayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                await actions.remove(tx, context.store_id, _number(id), context.now, erase=bool(erase))
        except DomainError as error:
            return CustomerDeletePayload(user_errors=user_errors(error))
        return CustomerDeletePayload(deleted_id=id)

    @strawberry.mutation
    async def customer_tags_add(
        self,
        info: Info,
        id: strawberry.ID,
        tags: list[str],
        source: Annotated[
            str | None, strawberry.argument(description='Who sets them: "manual", "form", "shop", ...; 16 characters.')
        ] = None,
    ) -> CustomerUpsertPayload:
        context = allow(info, TokenScope.WRITE)
        return await _changed(
            context,
            lambda tx: actions.tags_add(tx, context.store_id, _number(id), tags, context.now, source=source or BY_HAND),
        )

    @strawberry.mutation
    async def customer_tags_remove(self, info: Info, id: strawberry.ID, tags: list[str]) -> CustomerUpsertPayload:
        context = allow(info, TokenScope.WRITE)
        return await _changed(
            context, lambda tx: actions.tags_remove(tx, context.store_id, _number(id), tags, context.now)
        )

    @strawberry.mutation(
        description="Blacklisted customers are sent nothing. `reason`: 500 characters at most, kept in the timeline."
    )
    async def customer_blacklist(
        self, info: Info, id: strawberry.ID, blacklisted: bool = True, reason: str | None = None
    ) -> CustomerUpsertPayload:
        context = allow(info, TokenScope.WRITE)
        return await _changed(
            context,
            lambda tx: actions.blacklist(
                tx, context.store_id, _number(id), context.now, blacklisted=blacklisted, reason=reason
            ),
        )

    @strawberry.mutation(description="The customer's own word: it goes in every direction.")
    async def consent_update(
        self,
        info: Info,
        customer_id: strawberry.ID,
        channel: str,
        consent: Consent,
        source: str | None = None,
    ) -> CustomerUpsertPayload:
        context = allow(info, TokenScope.WRITE)
        change = ContactChange(channel, consent=consent)
        return await _changed(
            context,
            lambda tx: actions.consent_update(
                tx, context.store_id, _number(customer_id, "customerId"), change, context.now, source=source
            ),
        )

    @strawberry.mutation(description="Of 64 characters at most; its type stays as it is.")
    async def property_definition_create(
        self,
        info: Info,
        key: str,
        label: str,
        type: ValueType,
    ) -> PropertyDefinitionPayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                made = await actions.define(tx, context.store_id, key, label, type, context.now)
        except DomainError as error:
            return PropertyDefinitionPayload(user_errors=user_errors(error))
        return PropertyDefinitionPayload(property_definition=PropertyDefinition(of=made))

    @strawberry.mutation(description="With every customer's value of it.")
    async def property_definition_delete(self, info: Info, key: str) -> PropertyDefinitionPayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                gone = await actions.undefine(tx, context.store_id, key)
        except DomainError as error:
            return PropertyDefinitionPayload(user_errors=user_errors(error))
        return PropertyDefinitionPayload(property_definition=PropertyDefinition(of=gone))


async def _changed(
    context: Context, change: Callable[[Transaction], Awaitable[model.Customer]]
) -> CustomerUpsertPayload:
    try:
        async with context.database.write() as tx:
            customer = await with_facts(tx, await change(tx))
    except DomainError as error:
        return CustomerUpsertPayload(user_errors=user_errors(error))
    return CustomerUpsertPayload(customer=customer, created=False)


def _number(gid: strawberry.ID, field: str = "id") -> int:
    found = global_ids.number(gid, "Customer")
    if found is None:
        raise DomainError("no such customer", field=(field,), code=ErrorCode.NOT_FOUND)
    return found
