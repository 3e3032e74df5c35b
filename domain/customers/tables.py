"""Rows of customers; `customer_facts` counts what orders and events say of each."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    literal_column,
    text,
)

from domain.customers.model import NAMELESS
from domain.kit.db.schema import metadata
from domain.kit.db.types import FOLDED, Instant, Money

_HAS_FOLDED_NAME = "folded_name >= ''"

# No foreign key to the store: checking it a row at a time is a fifth of an import's work.
customers = Table(
    "customers",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("external_id", String(200)),
    Column("name", String(200)),
    # By `folded_name`: whoever writes a name writes this too. The default is for servers of the release before.
    Column("folded_name", FOLDED, nullable=False, server_default=NAMELESS),
    Column("first_name", String(100)),
    Column("last_name", String(100)),
    Column("company", String(200)),
    Column("email", String(254)),
    Column("email_verified", Boolean, nullable=False),
    Column("phone", String(32)),
    Column("phone_verified", Boolean, nullable=False),
    Column("gender", String(16)),
    Column("birthday", Date),
    Column("locale", String(35)),
    Column("country", String(2)),
    Column("city", String(200)),
    Column("source", String(64)),
    # Where and through which form an account was opened.
    Column("registered_from", String(64)),
    Column("registration_form", String(100)),
    Column("account_status", String(16)),
    Column("password_set", Boolean),
    Column("last_login_at", Instant),
    Column("preferred_channel", String(64)),
    Column("note", String(2000)),
    Column("member", Boolean, nullable=False),
    Column("tier", String(100)),
    Column("tier_expires_on", Date),
    # A rank that another system's loyalty programme gives.
    Column("loyalty_rank", String(100)),
    Column("blacklisted", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("registered_at", Instant),
    Column("deleted_at", Instant),
    # What customers are found by (domain/customers/identity.py). The key is first: without statistics PostgreSQL takes
    # any index of a store for as good as any other.
    Index("ix_customers_external_id", "external_id", "store_id", unique=True),
    Index("ix_customers_email", "email", "store_id"),
    Index("ix_customers_phone", "phone", "store_id"),
    # Of an address that thousands share, those who may get the keys that a description names: few or none.
    *(
        Index(
            f"ix_customers_{_key}_without_{_stronger}",
            _key,
            "store_id",
            postgresql_where=text(f"{_stronger} IS NULL"),
            sqlite_where=text(f"{_stronger} IS NULL"),
        )
        for _key, _stronger in (("email", "external_id"), ("phone", "external_id"), ("phone", "email"))
    ),
    # Pages in the order of names.
    # For the order of names alone, which asks for what every row has: to a look-up of a customer by its key, an index
    # that ends in the key looks as good as the key's own where PostgreSQL has no statistics of the store.
    Index(
        "ix_customers_folded_name",
        "store_id",
        "folded_name",
        "id",
        postgresql_where=text(_HAS_FOLDED_NAME),
        sqlite_where=text(_HAS_FOLDED_NAME),
    ),
    # Most filters of profiles read these columns alone, and so need no rows.
    Index("ix_customers_profile", "store_id", "country", "gender", "birthday", "member", "tier", "id"),
    # Few are: a segment excludes them without reading its own members' rows.
    Index(
        "ix_customers_blacklisted",
        "store_id",
        "id",
        postgresql_where=text("blacklisted"),
        sqlite_where=text("blacklisted"),
    ),
    Index(
        "ix_customers_deleted",
        "store_id",
        "id",
        postgresql_where=text("deleted_at IS NOT NULL"),
        sqlite_where=text("deleted_at IS NOT NULL"),
    ),
    # Customers that a channel does not reach by their own address.
    *(
        Index(
            f"ix_customers_without_{_address}",
            "store_id",
            "id",
            postgresql_where=text(f"{_address} IS NULL"),
            sqlite_where=text(f"{_address} IS NULL"),
        )
        for _address in ("email", "phone")
    ),
)

HAS_FOLDED_NAME = customers.c.folded_name >= literal_column("''")

# The last number given to a customer: one row a store, locked while a range is taken.
customer_numbers = Table(
    "customer_numbers",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)

customer_facts = Table(
    "customer_facts",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_count", Integer, nullable=False),
    Column("total_spent", Money, nullable=False),
    Column("first_order_at", Instant),
    Column("last_order_at", Instant),
    # The k-th last order, which answers "at least k orders since ..." from this row alone.
    Column("order_2_at", Instant),
    Column("order_3_at", Instant),
    Column("order_4_at", Instant),
    Column("order_5_at", Instant),
    Column("order_10_at", Instant),
    # Of these orders, those in another currency than the store's, which are not in the sum.
    Column("foreign_order_count", Integer, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 80},
)

customer_tags = Table(
    "customer_tags",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tag", String(100), primary_key=True),
    # The one that added it first: "manual", "import", "form", "shop".
    Column("source", String(16)),
    Column("added_at", Instant),
    Index(None, "store_id", "tag", "customer_id"),
    sqlite_with_rowid=False,
)

customer_addresses = Table(
    "customer_addresses",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("country", String(2)),
    Column("region", String(100)),
    Column("city", String(200)),
    Column("postcode", String(20)),
    Column("street", String(300)),
    Column("company", String(200)),
    # Degrees, WGS 84.
    Column("latitude", Double),
    Column("longitude", Double),
    Index(None, "store_id", "country", "region", "city", "customer_id"),
    sqlite_with_rowid=False,
)

# The page and campaign of the first visit; replaced when an earlier visit comes in.
customer_origins = Table(
    "customer_origins",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("landing_page", String(500)),
    Column("referrer", String(500)),
    Column("utm_source", String(200)),
    Column("utm_medium", String(200)),
    Column("utm_campaign", String(200)),
    sqlite_with_rowid=False,
)

property_definitions = Table(
    "property_definitions",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(64), nullable=False),
    Column("label", String(100), nullable=False),
    Column("type", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
    Index(None, "store_id", "key", unique=True),
)

customer_properties = Table(
    "customer_properties",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("property_id", Integer, primary_key=True, autoincrement=False),
    Column("string", String(500)),
    Column("number", Double),
    Column("boolean", Boolean),
    Column("date", Date),
    Column("datetime", Instant),
    sqlite_with_rowid=False,
)
for _kind in ("string", "number", "boolean", "date", "datetime"):
    Index(
        f"ix_customer_properties_{_kind}",
        customer_properties.c.store_id,
        customer_properties.c.property_id,
        customer_properties.c[_kind],
        customer_properties.c.customer_id,
        postgresql_where=text(f'"{_kind}" IS NOT NULL'),
        sqlite_where=text(f'"{_kind}" IS NOT NULL'),
    )

contacts = Table(
    "contacts",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", String(64), primary_key=True),
    # Null where the channel takes the customer's own e-mail address or phone number.
    Column("address", String(500)),
    Column("consent", String(16), nullable=False),
    Column("consent_at", Instant),
    Column("consent_source", String(64)),
    Column("invalid", Boolean, nullable=False),
    Index(None, "store_id", "channel", "consent", "customer_id"),
    # On most channels these are few; by the address, those who share one are found.
    Index(
        "ix_contacts_addressed",
        "store_id",
        "channel",
        "address",
        "customer_id",
        postgresql_where=text("address IS NOT NULL"),
        sqlite_where=text("address IS NOT NULL"),
    ),
    Index(
        "ix_contacts_invalid",
        "store_id",
        "channel",
        "customer_id",
        postgresql_where=text("invalid"),
        sqlite_where=text("invalid"),
    ),
    sqlite_with_rowid=False,
)

# What an address does not want, whoever has it; `customer_id` is one of those who have, or had, the address.
objections = Table(
    "objections",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("address", String(500), primary_key=True),
    # Or every channel: `EVERY_CHANNEL`.
    Column("channel", String(64), primary_key=True),
    Column("reason", String(16), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("since", Instant, nullable=False),
    # When a new consent, or whatever else ends it, came: what was said before then is over.
    Column("lifted_at", Instant),
    # An erasure finds those of addresses that the person had before.
    Index(None, "store_id", "customer_id"),
    sqlite_with_rowid=False,
)
