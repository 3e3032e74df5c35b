"""Mutations of customers: one by one, or many at once."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry

from api.graphql.customers.inputs import CustomerInput
from api.graphql.customers.types import Customer, with_facts
from api.graphql.kit.audited import Observed, subject_of
from api.graphql.kit.context import Context
from api.graphql.kit.errors import UserError
from api.graphql.kit.global_ids import require_number
from api.graphql.kit.mutation import mutation
from api.graphql.operations.types import Operation
from domain.consents import suppressions
from domain.customers import actions, model, queries, upsert
from domain.customers.actions import BY_HAND
from domain.customers.model import Consent, ContactChange
from domain.kit.db import Transaction
from domain.privacy import erasure
from domain.stores.model import TokenScope


@strawberry.type
class CustomerUpsertPayload:
    customer: Customer | None = None
    created: bool | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class CustomersUpsertPayload:
    created: int = 0
    updated: int = 0
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class CustomerDeletePayload:
    deleted_id: strawberry.ID | None = None
    operation: Operation | None = strawberry.field(
        default=None,
        description=(
            "Of an erasure: it is DONE when nothing of the person is left. Its problems say what is left to the caller."
        ),
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


async def _observe_blacklist(context: Context, tx: Transaction, arguments: Mapping[str, Any]) -> Observed:
    customer_id = _number(arguments["id"])
    customer = await queries.by_id(tx, context.store_id, customer_id)
    values = None if customer is None else {"blacklisted": customer.blacklisted}
    return Observed(subject_of("Customer", customer_id), values)


async def _observe_consent(context: Context, tx: Transaction, arguments: Mapping[str, Any]) -> Observed:
    customer_id = _number(arguments["customer_id"], "customerId")
    contacts = (await queries.contacts_of(tx, context.store_id, [customer_id])).get(customer_id, [])
    consents = {contact.channel: contact.consent.value for contact in contacts}
    consent = consents.get(arguments["channel"], Consent.NOT_SUBSCRIBED.value)
    return Observed(subject_of("Customer", customer_id), {"consent": consent})


@strawberry.type
class CustomerMutation:
    @mutation(CustomerUpsertPayload, TokenScope.WRITE)
    async def customer_upsert(self, context: Context, tx: Transaction, input: CustomerInput) -> CustomerUpsertPayload:
        customer, created = await upsert.upsert(
            tx, context.store_id, input.change(), context.now, kinds=context.services.extensions.address_kinds
        )
        await _heed(context, tx, [customer.id])
        return CustomerUpsertPayload(customer=await with_facts(tx, customer), created=created)

    @mutation(CustomersUpsertPayload, TokenScope.WRITE, description="5,000 at most; all of them, or none.")
    async def customers_upsert(
        self, context: Context, tx: Transaction, input: list[CustomerInput]
    ) -> CustomersUpsertPayload:
        changes = [customer.change() for customer in input]
        result = await upsert.upsert_many(
            tx, context.store_id, changes, context.now, kinds=context.services.extensions.address_kinds
        )
        await _heed(context, tx, sorted(set(result.ids)))
        return CustomersUpsertPayload(created=len(result.created), updated=result.updated)

    @mutation(CustomerDeletePayload, TokenScope.WRITE, description="`erase` also removes what identifies the person.")
    async def customer_delete(
        self, context: Context, tx: Transaction, id: strawberry.ID, erase: bool | None = False
    ) -> CustomerDeletePayload:
        if not erase:
            await actions.remove(tx, context.store_id, _number(id), context.now)
            return CustomerDeletePayload(deleted_id=id)
        key = await context.services.suppression_key(tx)
        operation = await erasure.erase(tx, key, context.store_id, _number(id), context.now)
        return CustomerDeletePayload(deleted_id=id, operation=Operation(row=operation))

    @mutation(CustomerUpsertPayload, TokenScope.WRITE)
    async def customer_tags_add(
        self,
        context: Context,
        tx: Transaction,
        id: strawberry.ID,
        tags: list[str],
        source: Annotated[
            str | None,
            strawberry.argument(description='The source of the tags: "manual", "form", "shop", ...; 16 characters.'),
        ] = None,
    ) -> CustomerUpsertPayload:
        customer_id = _number(id)
        customer = await actions.tags_add(
            tx, context.store_id, customer_id, tags, context.now, source=source or BY_HAND
        )
        return await _changed(tx, customer)

    @mutation(CustomerUpsertPayload, TokenScope.WRITE)
    async def customer_tags_remove(
        self, context: Context, tx: Transaction, id: strawberry.ID, tags: list[str]
    ) -> CustomerUpsertPayload:
        return await _changed(tx, await actions.tags_remove(tx, context.store_id, _number(id), tags, context.now))

    @mutation(
        CustomerUpsertPayload,
        TokenScope.WRITE,
        description=(
            "Blacklisted customers receive no messages. `reason`: 500 characters at most, shown in the timeline."
        ),
        observe=_observe_blacklist,
    )
    async def customer_blacklist(
        self,
        context: Context,
        tx: Transaction,
        id: strawberry.ID,
        blacklisted: bool = True,
        reason: str | None = None,
    ) -> CustomerUpsertPayload:
        customer = await actions.blacklist(
            tx, context.store_id, _number(id), context.now, blacklisted=blacklisted, reason=reason
        )
        return await _changed(tx, customer)

    @mutation(
        CustomerUpsertPayload,
        TokenScope.WRITE,
        description=(
            "The customer's own decision, which may change a consent in either direction; a new consent also ends what "
            "the address has objected to on the channel, in whichever customer's row, and what an erasure has left "
            "behind."
        ),
        observe=_observe_consent,
        shown=("channel",),
    )
    async def consent_update(
        self,
        context: Context,
        tx: Transaction,
        customer_id: strawberry.ID,
        channel: str,
        consent: Consent,
        source: str | None = None,
    ) -> CustomerUpsertPayload:
        number = _number(customer_id, "customerId")
        change = ContactChange(channel, consent=consent)
        customer = await actions.consent_update(tx, context.store_id, number, change, context.now, source=source)
        if consent is Consent.SUBSCRIBED:
            key = await context.services.suppression_key(tx)
            await suppressions.lift(tx, key, context.store_id, number, channel, context.now)
        return await _changed(tx, customer)


async def _heed(context: Context, tx: Transaction, customer_ids: Sequence[int]) -> None:
    """Have who comes back after an erasure come in unsubscribed, whatever the input says."""
    key = await context.services.suppression_key(tx)
    await suppressions.heed(tx, key, context.store_id, customer_ids, context.now)


async def _changed(tx: Transaction, customer: model.Customer) -> CustomerUpsertPayload:
    return CustomerUpsertPayload(customer=await with_facts(tx, customer), created=False)


def _number(gid: strawberry.ID, field: str = "id") -> int:
    return require_number(gid, "Customer", noun="customer", field=field)
