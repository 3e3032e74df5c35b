"""Customers: their profiles and all that hangs on them."""

import math
from datetime import date, datetime
from decimal import Decimal

import strawberry

from api.graphql.customers.addresses import Address
from api.graphql.customers.balances import balance
from api.graphql.customers.contacts import Contact, contacts_of
from api.graphql.customers.events import Event, timeline
from api.graphql.customers.properties import CustomerProperty, properties_of
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.nodes import Node, find_node_of, list_of, node
from api.graphql.kit.prices import priced
from domain.customers import model, queries
from domain.customers.model import (
    AccountStatus,
    CustomerOrder,
    Gender,
)
from domain.kit.db import Transaction
from domain.segments.evaluation.deadline import reading
from domain.segments.evaluation.segments_of import segments_of
from domain.segments.model import Segment
from domain.wallets.model import Wallet

# How long the segments of a page of customers may take.
SECONDS = 10.0
expose(
    CustomerOrder,
    {
        CustomerOrder.NAME_ASC: "A a B b, whatever the accents of Latin and Greek letters; who has no name is last.",
        CustomerOrder.NAME_DESC: "NAME_ASC from its end.",
    },
)


@strawberry.type
class Customer(Node):
    row: strawberry.Private[model.Profile]
    key_type = int

    id: strawberry.ID = derived(lambda self: encode("Customer", self.row.customer.id))
    external_id: str | None = derived(lambda self: self.row.customer.external_id)
    name: str | None = derived(lambda self: self.row.customer.name)
    first_name: str | None = derived(lambda self: self.row.customer.first_name)
    last_name: str | None = derived(lambda self: self.row.customer.last_name)
    company: str | None = derived(lambda self: self.row.customer.company)
    email: str | None = derived(lambda self: self.row.customer.email)
    email_verified: bool = derived(lambda self: self.row.customer.email_verified)
    phone: str | None = derived(lambda self: self.row.customer.phone, description="E.164.")
    phone_verified: bool = derived(lambda self: self.row.customer.phone_verified)
    gender: Gender | None = derived(lambda self: self.row.customer.gender)
    birthday: date | None = derived(lambda self: self.row.customer.birthday)
    locale: str | None = derived(lambda self: self.row.customer.locale, description="BCP 47.")
    country: str | None = derived(lambda self: self.row.customer.country, description="ISO 3166-1 alpha-2.")
    city: str | None = derived(lambda self: self.row.customer.city)
    source: str | None = derived(
        lambda self: self.row.customer.source,
        description='The origin of the customer: "storefront", "pos", "import", a channel\'s key, ...',
    )
    registered_from: str | None = derived(
        lambda self: self.row.customer.registered_from, description="The channel through which the account was opened."
    )
    registration_form: str | None = derived(lambda self: self.row.customer.registration_form)
    account_status: AccountStatus | None = derived(lambda self: self.row.customer.account_status)
    password_set: bool | None = derived(lambda self: self.row.customer.password_set)
    last_login_at: datetime | None = derived(lambda self: self.row.customer.last_login_at)
    preferred_channel: str | None = derived(
        lambda self: self.row.customer.preferred_channel, description="A channel's key."
    )
    note: str | None = derived(lambda self: self.row.customer.note)
    member: bool = derived(lambda self: self.row.customer.member)
    tier: str | None = derived(lambda self: self.row.customer.tier)
    tier_expires_on: date | None = derived(lambda self: self.row.customer.tier_expires_on)
    loyalty_rank: str | None = derived(
        lambda self: self.row.customer.loyalty_rank, description="The rank in another system's loyalty programme."
    )
    blacklisted: bool = derived(lambda self: self.row.customer.blacklisted)
    created_at: datetime = derived(lambda self: self.row.customer.created_at)
    registered_at: datetime | None = derived(lambda self: self.row.customer.registered_at)
    deleted_at: datetime | None = derived(lambda self: self.row.customer.deleted_at)

    @strawberry.field
    async def tags(self, info: Info) -> list[str]:
        return await info.context.load(queries.tags_of, self.row.customer.id)

    @strawberry.field
    async def properties(self, info: Info) -> list[CustomerProperty]:
        return await properties_of(info.context, self.row.customer.id)

    @strawberry.field(description="Postal addresses, in the order given.")
    async def addresses(self, info: Info) -> list[Address]:
        addresses = await info.context.load(queries.addresses_of, self.row.customer.id)
        return [Address(address=address) for address in addresses]

    @strawberry.field(description="The customer's address on each channel, with the consent to marketing there.")
    async def contacts(self, info: Info) -> list[Contact]:
        return await contacts_of(info.context, self.row.customer)

    @strawberry.field(description="Credits that have not expired, in the store's currency.")
    async def credit_balance(self, info: Info) -> Decimal:
        return await balance(info.context, self.row.customer.id, Wallet.CREDITS)

    @strawberry.field(description="Points that have not expired, in whole points.")
    async def point_balance(self, info: Info) -> int:
        return math.floor(await balance(info.context, self.row.customer.id, Wallet.POINTS))

    order_count: int = derived(
        lambda self: self.row.facts.order_count, description="Cancelled and deleted orders never count."
    )
    total_spent: Decimal = derived(lambda self: self.row.facts.total_spent)
    last_order_at: datetime | None = derived(lambda self: self.row.facts.last_order_at)

    @strawberry.field(
        description="The active segments that the customer is in now, the newest first.",
        # All customers of the answer are looked at together.
        metadata=priced(1),
        graphql_type=list_of("Segment"),
    )
    async def segments(self, info: Info) -> list[Node]:
        segments = await info.context.batch(_segments).load(self.row.customer.id)
        return [node("Segment", segment) for segment in segments]

    @strawberry.field(description="Newest first: orders, visits and all other tracked events.")
    async def timeline(
        self, info: Info, first: int | None = None, after: str | None = None, types: list[str] | None = None
    ) -> Connection[Event]:
        return await timeline(info.context, self.row.customer.id, Page.of(first, after), types)

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[int]) -> dict[int, model.Profile]:
        return dict(await queries.profiles(tx, store_id, keys))

    @classmethod
    def key_of(cls, row: model.Profile) -> int:
        return row.customer.id


@strawberry.type
class CustomerQuery:
    @strawberry.field(description="By one of the three arguments.")
    async def customer(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        external_id: str | None = None,
        email: str | None = None,
    ) -> Customer | None:
        context = info.context
        if id is not None:
            return await find_node_of(context, Customer, id)
        async with context.database.read() as tx:
            customer = None
            if external_id is not None:
                customer = await queries.by_external_id(tx, context.store_id, external_id)
            elif email is not None:
                customer = await queries.by_email(tx, context.store_id, email)
            return None if customer is None else await with_facts(tx, customer)


async def with_facts(tx: Transaction, customer: model.Customer) -> Customer:
    facts = await queries.facts_of(tx, customer.store_id, [customer.id])
    return Customer(row=model.Profile(customer, facts.get(customer.id, model.NO_FACTS)))


async def _segments(context: Context, customer_ids: list[int]) -> list[list[Segment]]:
    async with reading(context.database, SECONDS, snapshot=True) as tx:
        store, extensions = context.principal.store, context.services.extensions
        segments = await segments_of(tx, store, customer_ids, context.now, extensions)
    return [segments[customer_id] for customer_id in customer_ids]
