"""Customers: read one by one or by the page, written one by one, in batches or by file."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from muster_sdk import AddressKind

from api.graphql.customers.addresses import Address
from api.graphql.customers.balances import balance
from api.graphql.customers.events import Event, timeline
from api.graphql.customers.inputs import CustomerInput
from api.graphql.kit import global_ids, pages
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.enums import ValueType, expose
from api.graphql.kit.errors import UserError, user_errors
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import Node, encode
from api.graphql.kit.keyset import By, Ordering
from api.graphql.kit.scalars import JSON, print_instant
from domain.customers import model, queries, upsert
from domain.customers.model import (
    AccountStatus,
    Consent,
    CustomerOrder,
    Gender,
)
from domain.customers.tables import customer_facts, customers
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.kit.values import Value
from domain.segments.evaluation.deadline import reading
from domain.segments.evaluation.segments_of import segments_of
from domain.segments.model import Segment as Belonging
from domain.stores.model import TokenScope
from domain.wallets.model import Wallet

if TYPE_CHECKING:
    from api.graphql.segments.types import Segment

# How long the segments of a page of customers may take.
SECONDS = 10.0
expose(CustomerOrder)

# Numbers are given in the order in which customers are made.
_OLDEST, _LATEST = By(customers.c.id, int), By(customers.c.id, int, descending=True)
_ORDERINGS = {
    CustomerOrder.CREATED_AT_ASC: (_OLDEST,),
    CustomerOrder.CREATED_AT_DESC: (_LATEST,),
    CustomerOrder.NAME_ASC: (By(customers.c.name, str, nullable=True), _OLDEST),
    CustomerOrder.TOTAL_SPENT_DESC: (By(customer_facts.c.total_spent, Decimal, descending=True), _LATEST),
    CustomerOrder.LAST_ORDER_AT_DESC: (
        By(customer_facts.c.last_order_at, datetime, descending=True, nullable=True),
        _LATEST,
    ),
}


@strawberry.type
class CustomerProperty:
    key: str
    value: JSON | None


@strawberry.type
class PropertyDefinition(Node):
    of: strawberry.Private[model.PropertyDefinition]

    id: strawberry.ID = derived(lambda self: encode("PropertyDefinition", self.of.id))
    key: str = derived(lambda self: self.of.key)
    label: str = derived(lambda self: self.of.label)
    type: ValueType = derived(lambda self: self.of.type)


@strawberry.type
class Contact:
    channel: str
    address: str = strawberry.field(description="An e-mail address, a phone number, a LINE user ID, ...")
    consent: Consent
    consent_at: datetime | None
    invalid: bool = strawberry.field(description="The address is known to fail: hard bounce, blocked, unreachable.")


@strawberry.type
class Customer(Node):
    of: strawberry.Private[model.Customer]
    facts: strawberry.Private[model.Facts]

    id: strawberry.ID = derived(lambda self: encode("Customer", self.of.id))
    external_id: str | None = derived(lambda self: self.of.external_id)
    name: str | None = derived(lambda self: self.of.name)
    first_name: str | None = derived(lambda self: self.of.first_name)
    last_name: str | None = derived(lambda self: self.of.last_name)
    company: str | None = derived(lambda self: self.of.company)
    email: str | None = derived(lambda self: self.of.email)
    email_verified: bool = derived(lambda self: self.of.email_verified)
    phone: str | None = derived(lambda self: self.of.phone, description="E.164.")
    phone_verified: bool = derived(lambda self: self.of.phone_verified)
    gender: Gender | None = derived(lambda self: self.of.gender)
    birthday: date | None = derived(lambda self: self.of.birthday)
    locale: str | None = derived(lambda self: self.of.locale, description="BCP 47.")
    country: str | None = derived(lambda self: self.of.country, description="ISO 3166-1 alpha-2.")
    city: str | None = derived(lambda self: self.of.city)
    source: str | None = derived(
        lambda self: self.of.source,
        description='Where the customer came from: "storefront", "pos", "import", a channel\'s key, ...',
    )
    registered_from: str | None = derived(
        lambda self: self.of.registered_from, description="The channel through which the account was opened."
    )
    registration_form: str | None = derived(lambda self: self.of.registration_form)
    account_status: AccountStatus | None = derived(lambda self: self.of.account_status)
    password_set: bool | None = derived(lambda self: self.of.password_set)
    last_login_at: datetime | None = derived(lambda self: self.of.last_login_at)
    preferred_channel: str | None = derived(lambda self: self.of.preferred_channel, description="A channel's key.")
    note: str | None = derived(lambda self: self.of.note)
    member: bool = derived(lambda self: self.of.member)
    tier: str | None = derived(lambda self: self.of.tier)
    tier_expires_on: date | None = derived(lambda self: self.of.tier_expires_on)
    loyalty_rank: str | None = derived(
        lambda self: self.of.loyalty_rank, description="What another system's loyalty programme gives."
    )
    blacklisted: bool = derived(lambda self: self.of.blacklisted)
    created_at: datetime = derived(lambda self: self.of.created_at)
    registered_at: datetime | None = derived(lambda self: self.of.registered_at)
    deleted_at: datetime | None = derived(lambda self: self.of.deleted_at)

    @strawberry.field
    async def tags(self, info: Info) -> list[str]:
        return await info.context.loader(_tags).load(self.of.id)

    @strawberry.field
    async def properties(self, info: Info) -> list[CustomerProperty]:
        held = await info.context.loader(_properties).load(self.of.id)
        return [CustomerProperty(key=one.key, value=_json(one.value)) for one in held]

    @strawberry.field(description="Where goods go to, in the order given.")
    async def addresses(self, info: Info) -> list[Address]:
        return [Address(of=one) for one in await info.context.loader(_addresses).load(self.of.id)]

    @strawberry.field(description="The customer's address on each channel, and whether marketing is accepted there.")
    async def contacts(self, info: Info) -> list[Contact]:
        known = {one.channel: one for one in await info.context.loader(_contacts).load(self.of.id)}
        kinds = info.context.services.channels.addresses
        return [
            contact
            for channel in sorted({*known, *kinds})
            if (contact := _contact(self.of, channel, known.get(channel), kinds.get(channel))) is not None
        ]

    @strawberry.field(description="Of what has not expired, in the store's currency.")
    async def credit_balance(self, info: Info) -> Decimal:
        return await balance(info.context, self.of.id, Wallet.CREDITS)

    @strawberry.field(description="Of what has not expired, in whole points.")
    async def point_balance(self, info: Info) -> int:
        return math.floor(await balance(info.context, self.of.id, Wallet.POINTS))

    order_count: int = derived(
        lambda self: self.facts.order_count, description="Cancelled and deleted orders never count."
    )
    total_spent: Decimal = derived(lambda self: self.facts.total_spent)
    last_order_at: datetime | None = derived(lambda self: self.facts.last_order_at)

    @strawberry.field(description="The active segments that the customer is in now, the newest first.")
    async def segments(self, info: Info) -> list[Annotated["Segment", strawberry.lazy("api.graphql.segments.types")]]:
        from api.graphql.segments.types import Segment

        return [Segment(of=one) for one in await info.context.batch(_segments).load(self.of.id)]

    @strawberry.field(description="Newest first: orders, visits, and whatever else was tracked.")
    async def timeline(
        self, info: Info, first: int | None = None, after: str | None = None, types: list[str] | None = None
    ) -> Connection[Event]:
        return await timeline(info.context, self.of.id, Page.of(first, after), types)


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
class CustomerQuery:
    @strawberry.field(description="By one of the three.")
    async def customer(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        external_id: str | None = None,
        email: str | None = None,
    ) -> Customer | None:
        context = allow(info, TokenScope.READ)
        if id is not None:
            number = global_ids.number(id, "Customer")
            return None if number is None else await by_id(context, number)
        async with context.database.read() as tx:
            found = None
            if external_id is not None:
                found = await queries.by_external_id(tx, context.store_id, external_id)
            elif email is not None:
                found = await queries.by_email(tx, context.store_id, email)
            return None if found is None else await with_facts(tx, found)

    @strawberry.field
    async def property_definitions(self, info: Info) -> list[PropertyDefinition]:
        context = allow(info, TokenScope.READ)
        async with context.database.read() as tx:
            return [PropertyDefinition(of=one) for one in await queries.definitions(tx, context.store_id)]


@strawberry.type
class CustomerMutation:
    @strawberry.mutation
    async def customer_upsert(self, info: Info, input: CustomerInput) -> CustomerUpsertPayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                saved, created = await upsert.upsert(tx, context.store_id, input.change(), context.now)
                customer = await with_facts(tx, saved)
        except DomainError as error:
            return CustomerUpsertPayload(user_errors=user_errors(error))
        return CustomerUpsertPayload(customer=customer, created=created)

    @strawberry.mutation(description="5,000 at most; all of them, or none.")
    async def customers_upsert(self, info: Info, input: list[CustomerInput]) -> CustomersUpsertPayload:
        context = allow(info, TokenScope.WRITE)
        changes = [one.change() for one in input]
        try:
            async with context.database.write() as tx:
                done = await upsert.upsert_many(tx, context.store_id, changes, context.now)
        except DomainError as error:
            return CustomersUpsertPayload(user_errors=user_errors(error))
        return CustomersUpsertPayload(created=len(done.created), updated=done.updated)


async def by_id(context: Context, customer_id: int) -> Customer | None:
    return await context.loader(_customers).load(customer_id)


async def by_ids(context: Context, wanted: Sequence[int]) -> list[Customer]:
    """Those that there are, in the order asked."""
    found = await context.loader(_customers).load_many(wanted)
    return [customer for customer in found if customer is not None]


async def with_facts(tx: Transaction, customer: model.Customer) -> Customer:
    facts = await queries.facts_of(tx, customer.store_id, [customer.id])
    return Customer(of=customer, facts=facts.get(customer.id, model.NO_FACTS))


async def connect(
    context: Context,
    select: Any,
    page: Page,
    order: CustomerOrder = CustomerOrder.CREATED_AT_DESC,
    *,
    seconds: float | None = None,
) -> Connection[Customer]:
    """A page of a select that `store.listing` began."""
    return await pages.connect(
        context, select, ordering(order), page, lambda row: shown(queries.profile_of(row)), seconds=seconds
    )


def ordering(order: CustomerOrder) -> Ordering:
    return Ordering(f"customers.{order}", _ORDERINGS[order])


def shown(profile: model.Profile) -> Customer:
    return Customer(of=profile.customer, facts=profile.facts)


async def _customers(tx: Transaction, store_id: int, wanted: list[int]) -> list[Customer | None]:
    found = await queries.profiles(tx, store_id, wanted)
    return [shown(found[customer_id]) if customer_id in found else None for customer_id in wanted]


async def _segments(context: Context, wanted: list[int]) -> list[list[Belonging]]:
    async with reading(context.database, SECONDS, snapshot=True) as tx:
        found = await segments_of(tx, context.principal.store, wanted, context.now, context.services.extensions)
    return [found[customer_id] for customer_id in wanted]


async def _tags(tx: Transaction, store_id: int, wanted: list[int]) -> list[list[str]]:
    found = await queries.tags_of(tx, store_id, wanted)
    return [found[customer_id] for customer_id in wanted]


async def _properties(tx: Transaction, store_id: int, wanted: list[int]) -> list[list[model.Property]]:
    found = await queries.properties_of(tx, store_id, wanted)
    return [found[customer_id] for customer_id in wanted]


async def _addresses(tx: Transaction, store_id: int, wanted: list[int]) -> list[list[model.Address]]:
    found = await queries.addresses_of(tx, store_id, wanted)
    return [found[customer_id] for customer_id in wanted]


async def _contacts(tx: Transaction, store_id: int, wanted: list[int]) -> list[list[model.Contact]]:
    found = await queries.contacts_of(tx, store_id, wanted)
    return [found[customer_id] for customer_id in wanted]


def _contact(
    customer: model.Customer, channel: str, known: model.Contact | None, kind: AddressKind | None
) -> Contact | None:
    """The contact as it is reached; none where there is no address and nothing was ever said."""
    own = {AddressKind.EMAIL: customer.email, AddressKind.PHONE: customer.phone}.get(kind) if kind else None
    address = (known and known.address) or own
    if known is None and address is None:
        return None
    said = known or model.Contact(channel, None, Consent.NOT_SUBSCRIBED, None, invalid=False)
    return Contact(
        channel=channel,
        address=address or "",
        consent=said.consent,
        consent_at=said.consent_at,
        invalid=said.invalid,
    )


def _json(value: Value) -> Any:
    if isinstance(value, datetime):
        return print_instant(value)
    return value.isoformat() if isinstance(value, date) else value
