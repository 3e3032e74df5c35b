"""Lists every table and every kind of file: what it holds of a person, and how that is erased and exported.

A test compares this with the tables that there are: a new table or column has to be declared here. Erasing and
exporting follow from the declarations, so that this topic alone writes tables of others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Table

from domain.campaigns.tables import campaigns
from domain.customers import tables as customers
from domain.customers.model import NAMELESS
from domain.deliveries.tables import deliveries, message_references, sandbox_messages
from domain.events.tables import event_counters, events
from domain.lifecycle.tables import customer_scores
from domain.lists.tables import list_members, lists
from domain.memberships.tables import segment_memberships
from domain.orders import tables as orders
from domain.segments.tables import segment_members, segments
from domain.wallets import tables as wallets
from domain.wallets.model import Wallet


class Erasure(StrEnum):
    """The way in which a person's rows are erased."""

    DELETED = "the rows are deleted"
    CLEARED = "columns are cleared, and the rows stay for the store's figures"
    KEPT = "the rows stay: without the others they are of nobody"
    BY_EVENTS = "domain/events/erasure.py deletes them in batches, but for changes of orders, which lose their words"


@dataclass(frozen=True, slots=True)
class ExportedReference:
    """A column of the export that names what a row refers to by its id."""

    name: str
    column: str
    table: Table
    value: str


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table with rows of each person; `name` is its place in their export.

    Where the key has another column before the customer's, `owners` is where its values are, or these values.
    """

    name: str
    table: Table
    erasure: Erasure = Erasure.DELETED
    # What is in the columns afterwards, and the columns that say nothing of who it was.
    cleared: Mapping[str, object] | None = None
    kept: str = ""
    owners: Column[object] | Sequence[str] | None = None
    owner: str = ""
    customer: str = "customer_id"
    reference: ExportedReference | None = None
    # Columns that follow from others, which the export leaves out.
    derived: str = ""
    # Whether it may take long, so that a job does it.
    later: bool = False


_NUMBERED = "created_at updated_at deleted_at blacklisted"
_CAMPAIGN = ExportedReference("campaign", "campaign_id", campaigns, "name")
_LIST = ExportedReference("list", "list_id", lists, "name")
_SEGMENT = ExportedReference("segment", "segment_id", segments, "name")
_PROPERTY = ExportedReference("property", "property_id", customers.property_definitions, "key")

# Of an order stays what was bought, when and for how much. Its id stays too, unless it holds an address of the person.
PERSONAL: Sequence[PersonalTable] = (
    PersonalTable(
        "customer",
        customers.customers,
        Erasure.CLEARED,
        cleared={
            **{
                column.name: None for column in customers.customers.c if column.nullable and column.name != "deleted_at"
            },
            **dict.fromkeys(("email_verified", "phone_verified", "member"), False),
            "folded_name": NAMELESS,
        },
        kept=_NUMBERED,
        customer="id",
        derived="folded_name",
    ),
    PersonalTable("contacts", customers.contacts),
    PersonalTable("tags", customers.customer_tags),
    PersonalTable("properties", customers.customer_properties, reference=_PROPERTY),
    PersonalTable("addresses", customers.customer_addresses),
    PersonalTable("origin", customers.customer_origins),
    PersonalTable("objections", customers.objections),
    PersonalTable(
        "facts",
        customers.customer_facts,
        Erasure.KEPT,
        kept="order_count total_spent first_order_at last_order_at order_2_at order_3_at order_4_at order_5_at "
        "order_10_at foreign_order_count",
    ),
    PersonalTable("favourites", orders.customer_favourites),
    PersonalTable("scores", customer_scores),
    PersonalTable("wallet_lots", wallets.lots, owner="kind", owners=tuple(Wallet)),
    PersonalTable("wallet_changes", wallets.changes, owner="kind", owners=tuple(Wallet)),
    PersonalTable("coupons", wallets.coupons),
    PersonalTable("static_segments", segment_members, reference=_SEGMENT),
    PersonalTable("segments", segment_memberships, reference=_SEGMENT),
    PersonalTable("lists", list_members, Erasure.KEPT, owner="list_id", owners=lists.c.id, reference=_LIST),
    # Before the messages: whoever sends meanwhile has the row of the delivery, and sees there that it is erased.
    PersonalTable(
        "deliveries",
        deliveries,
        Erasure.CLEARED,
        cleared={"address": "", "provider_message_id": None, "error": None},
        kept="status attempts fence not_before in_doubt_since sent_at updated_at evidence delivered_at failed_at",
        owner="campaign_id",
        owners=campaigns.c.id,
        reference=_CAMPAIGN,
        later=True,
    ),
    # Behind the deliveries: whoever records an outcome meanwhile has their rows, and sees there who is erased.
    PersonalTable(
        "message_references",
        message_references,
        owner="campaign_id",
        owners=campaigns.c.id,
        reference=_CAMPAIGN,
        later=True,
    ),
    PersonalTable(
        "messages", sandbox_messages, owner="campaign_id", owners=campaigns.c.id, reference=_CAMPAIGN, later=True
    ),
    PersonalTable(
        "orders",
        orders.orders,
        Erasure.CLEARED,
        cleared={"coupon": None},
        kept="placed_at status payment_status delivery_status counted total currency foreign_total refunded lines "
        "quantity source campaign weekday month_day hour updated_at",
        later=True,
    ),
    PersonalTable(
        "order_items",
        orders.order_items,
        Erasure.CLEARED,
        cleared={"name": None, "variant": None},
        kept="placed_at counted product category department brand quantity price",
        later=True,
    ),
    PersonalTable("order_item_facets", orders.order_item_facets, later=True),
    PersonalTable("events", events, Erasure.BY_EVENTS, later=True),
    PersonalTable("event_counters", event_counters, Erasure.BY_EVENTS, later=True),
)

# Tables that are erased by something else than the number of the customer; `*`: whole rows vanish.
OTHERWISE: Mapping[str, tuple[str, str]] = {
    "event_customers": ("deleted with the events", "*"),
    "order_customers": ("an order's number and its customer's stay", "order_id customer_id"),
    "operations": (
        "files that hold the person are deleted, and what makes one is ended",
        "id kind status done total file file_name list_id customer_id dry_run created_at finished_at",
    ),
    "operation_problems": (
        "reports of rows of the person lose their words; the others are deleted after 30 days",
        "operation_id number row message column value outcome subject created_at",
    ),
    "imports": ("deleted when the import ends, which an erasure waits for", "*"),
    "uploads": ("deleted when the import ends, which an erasure waits for", "*"),
    "import_customers": ("deleted when the import ends; rows of the person are never merged", "*"),
    "import_matches": ("deleted when the import ends", "*"),
    "import_order_rows": ("deleted when the import ends", "*"),
    "import_orders": ("deleted when the import ends; orders of nobody are never merged", "*"),
    "import_problems": ("deleted when the import ends, which an erasure waits for", "*"),
    "import_events": ("deleted when the import ends; events of the person are never merged", "*"),
    "import_reports": ("columns of files and counts, deleted after 30 days", "operation_id report created_at"),
    "import_samples": ("rows of the person are deleted; the others are deleted after 30 days", "*"),
    "campaigns": (
        "the store's own words; a problem that quotes an address is replaced",
        (
            "id name folded_name channel status list_id target_name exclude accept_marketing content utm created_at "
            "scheduled_at started_at finished_at problem open_batches"
        ),
    ),
    "jobs": (
        "ids and keyed hashes; an error that quotes an address is replaced",
        "id queue kind payload status due_at lease_until owner fence deaths error created_at",
    ),
    "channel_accounts": (
        "names of the store's own accounts; a reason that quotes an address is replaced",
        "channel account arrival_at turn_at refused_until reason refusals",
    ),
    "segments": (
        "the store's own words; filters that name an address of the person are reported to the caller",
        (
            "id name folded_name list_name description kind active include exclude update_mode every_days started_on "
            "next_refresh_at last_refreshed_at created_at updated_at"
        ),
    ),
    "conversations": ("deleted with the addresses of the person; the others are deleted after 30 days", "*"),
    "receipts": (
        "folded within seconds, or deleted after 72 hours; of who was erased, a message's state alone is kept",
        "*",
    ),
    "suppressions": ("keyed hashes of what the person was known by, which stay", "hash channel created_at"),
}

# Tables that hold nothing of a person, but numbers of customers and the store's own words.
IMPERSONAL: Mapping[str, str] = {
    "account_slots": "channel account job_id fence",
    "api_tokens": "id name hash scopes created_at expires_at last_used_at revoked_at",
    "audit_entries": "at id actor actor_name token_id address request_id action outcome codes subject_type subject_key "
    "asked before after",
    "channel_authorizations": "id channel settings return_url expires_at",
    "channel_installations": "channel installed_at package settings",
    "channel_states": "channel key value",
    "channel_syncs": "channel status done total problem last_synced_at",
    "channel_works": "channel due_at worked_at problem",
    "customer_changes": "id kinds first_id last_id due_at",
    "customer_numbers": "last",
    "delivery_batches": "campaign_id number first_customer_id last_customer_id recipients pending sent failed unknown "
    "skipped delivered opened clicked bounced complained unsubscribed",
    "idempotency_keys": "key request subject_id created_at",
    "installation": "id sealed_keys epoch replaced_epoch beat beat_at created_at",
    "lifecycles": "scheduled_on computed_on active_days lost_days introduce_days loyal_orders high_spend "
    "repurchase_days measured used_active_days used_lost_days used_introduce_days used_loyal_orders used_high_spend "
    "used_cycle",
    "lists": "id segment_id name folded_name number status count created_at expires_at problem",
    "order_statuses": "status meaning",
    "property_definitions": "id key label type created_at",
    "store_versions": "shard existence profile contacts orders events wallets groups segments",
    "receipt_polls": "channel due_at problem",
    "stores": "id name timezone currency static_segment_members property_conditions audit_days created_at",
    "synced_lists": "channel list_id provider_id position count contacts synced_at",
    "tracked_segments": "segment_id fingerprint since next_eval_at",
    "value_ranks": "dimension value rank",
}

# What is outside of the database.
FILES: Mapping[str, str] = {
    "files of operations": "deleted by the erasure: exports of lists that the person is on, and of the person; "
    "problems of imports, which quote rows",
    "journals": "keys of messages and outcomes without addresses; deleted ten minutes after their batch has ended",
    "uploads": "the server's temporary files, which have no name and vanish with the request",
    "logs": "hold ids alone",
    "caches": "in memory: bitmaps of customers' numbers, and documents of clients until others displace them",
}
