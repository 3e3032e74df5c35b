"""The first tables."""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant, Json, Money

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=True),
        sa.Column("consent", sa.String(length=16), nullable=False),
        sa.Column("consent_at", Instant(), nullable=True),
        sa.Column("consent_source", sa.String(length=64), nullable=True),
        sa.Column("invalid", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "customer_id", "channel", name=op.f("pk_contacts")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_contacts_addressed",
        "contacts",
        ["store_id", "channel", "customer_id"],
        unique=False,
        postgresql_where=sa.text("address IS NOT NULL"),
        sqlite_where=sa.text("address IS NOT NULL"),
    )
    op.create_index(
        "ix_contacts_invalid",
        "contacts",
        ["store_id", "channel", "customer_id"],
        unique=False,
        postgresql_where=sa.text("invalid"),
        sqlite_where=sa.text("invalid"),
    )
    op.create_index(
        op.f("ix_contacts_store_id_channel_consent_customer_id"),
        "contacts",
        ["store_id", "channel", "consent", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_addresses",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("region", sa.String(length=100), nullable=True),
        sa.Column("city", sa.String(length=200), nullable=True),
        sa.Column("postcode", sa.String(length=20), nullable=True),
        sa.Column("street", sa.String(length=300), nullable=True),
        sa.Column("company", sa.String(length=200), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", "position", name=op.f("pk_customer_addresses")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_customer_addresses_store_id_country_region_city_customer_id"),
        "customer_addresses",
        ["store_id", "country", "region", "city", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_changes",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kinds", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_customer_changes")),
    )
    op.create_index(
        op.f("ix_customer_changes_store_id_due_at"), "customer_changes", ["store_id", "due_at"], unique=False
    )
    op.create_table(
        "customer_coupons",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("coupon", sa.String(length=100), nullable=False),
        sa.Column("received_at", Instant(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("used_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", "code", name=op.f("pk_customer_coupons")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_customer_coupons_store_id_coupon_customer_id"),
        "customer_coupons",
        ["store_id", "coupon", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_facts",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_count", sa.Integer(), nullable=False),
        sa.Column("total_spent", Money(), nullable=False),
        sa.Column("first_order_at", Instant(), nullable=True),
        sa.Column("last_order_at", Instant(), nullable=True),
        sa.Column("order_2_at", Instant(), nullable=True),
        sa.Column("order_3_at", Instant(), nullable=True),
        sa.Column("order_4_at", Instant(), nullable=True),
        sa.Column("order_5_at", Instant(), nullable=True),
        sa.Column("order_10_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", name=op.f("pk_customer_facts")),
        postgresql_with={"fillfactor": 80},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "customer_favourites",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "customer_id", "kind", name=op.f("pk_customer_favourites")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_customer_favourites_store_id_kind_value_customer_id"),
        "customer_favourites",
        ["store_id", "kind", "value", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_origins",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("landing_page", sa.String(length=500), nullable=True),
        sa.Column("referrer", sa.String(length=500), nullable=True),
        sa.Column("utm_source", sa.String(length=200), nullable=True),
        sa.Column("utm_medium", sa.String(length=200), nullable=True),
        sa.Column("utm_campaign", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", name=op.f("pk_customer_origins")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "customer_properties",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("property_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("string", sa.String(length=500), nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("boolean", sa.Boolean(), nullable=True),
        sa.Column("date", sa.Date(), nullable=True),
        sa.Column("datetime", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", "property_id", name=op.f("pk_customer_properties")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_customer_properties_boolean",
        "customer_properties",
        ["store_id", "property_id", "boolean", "customer_id"],
        unique=False,
        postgresql_where=sa.text('"boolean" IS NOT NULL'),
        sqlite_where=sa.text('"boolean" IS NOT NULL'),
    )
    op.create_index(
        "ix_customer_properties_date",
        "customer_properties",
        ["store_id", "property_id", "date", "customer_id"],
        unique=False,
        postgresql_where=sa.text('"date" IS NOT NULL'),
        sqlite_where=sa.text('"date" IS NOT NULL'),
    )
    op.create_index(
        "ix_customer_properties_datetime",
        "customer_properties",
        ["store_id", "property_id", "datetime", "customer_id"],
        unique=False,
        postgresql_where=sa.text('"datetime" IS NOT NULL'),
        sqlite_where=sa.text('"datetime" IS NOT NULL'),
    )
    op.create_index(
        "ix_customer_properties_number",
        "customer_properties",
        ["store_id", "property_id", "number", "customer_id"],
        unique=False,
        postgresql_where=sa.text('"number" IS NOT NULL'),
        sqlite_where=sa.text('"number" IS NOT NULL'),
    )
    op.create_index(
        "ix_customer_properties_string",
        "customer_properties",
        ["store_id", "property_id", "string", "customer_id"],
        unique=False,
        postgresql_where=sa.text('"string" IS NOT NULL'),
        sqlite_where=sa.text('"string" IS NOT NULL'),
    )
    op.create_table(
        "customer_scores",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recency", sa.SmallInteger(), nullable=True),
        sa.Column("frequency", sa.SmallInteger(), nullable=True),
        sa.Column("monetary", sa.SmallInteger(), nullable=True),
        sa.Column("rfm_group", sa.String(length=24), nullable=False),
        sa.Column("stage", sa.String(length=24), nullable=False),
        sa.Column("shopper_type", sa.String(length=24), nullable=True),
        sa.Column("repurchase_position", sa.String(length=24), nullable=True),
        sa.Column("computed_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "customer_id", name=op.f("pk_customer_scores")),
        postgresql_with={"fillfactor": 80},
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_customer_scores_store_id_rfm_group_customer_id"),
        "customer_scores",
        ["store_id", "rfm_group", "customer_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_customer_scores_store_id_stage_customer_id"),
        "customer_scores",
        ["store_id", "stage", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_tags",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tag", sa.String(length=100), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=True),
        sa.Column("added_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", "tag", name=op.f("pk_customer_tags")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_customer_tags_store_id_tag_customer_id"),
        "customer_tags",
        ["store_id", "tag", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customers",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("first_name", sa.String(length=100), nullable=True),
        sa.Column("last_name", sa.String(length=100), nullable=True),
        sa.Column("company", sa.String(length=200), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("phone_verified", sa.Boolean(), nullable=False),
        sa.Column("gender", sa.String(length=16), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("city", sa.String(length=200), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("registered_from", sa.String(length=64), nullable=True),
        sa.Column("registration_form", sa.String(length=100), nullable=True),
        sa.Column("account_status", sa.String(length=16), nullable=True),
        sa.Column("password_set", sa.Boolean(), nullable=True),
        sa.Column("last_login_at", Instant(), nullable=True),
        sa.Column("preferred_channel", sa.String(length=64), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=True),
        sa.Column("member", sa.Boolean(), nullable=False),
        sa.Column("tier", sa.String(length=100), nullable=True),
        sa.Column("tier_expires_on", sa.Date(), nullable=True),
        sa.Column("loyalty_rank", sa.String(length=100), nullable=True),
        sa.Column("blacklisted", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("registered_at", Instant(), nullable=True),
        sa.Column("deleted_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_customers")),
    )
    op.create_index(
        "ix_customers_blacklisted",
        "customers",
        ["store_id", "id"],
        unique=False,
        postgresql_where=sa.text("blacklisted"),
        sqlite_where=sa.text("blacklisted"),
    )
    op.create_index(
        "ix_customers_deleted",
        "customers",
        ["store_id", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_profile",
        "customers",
        ["store_id", "country", "gender", "birthday", "member", "tier", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_customers_store_id_email"), "customers", ["store_id", "email"], unique=False)
    op.create_index(op.f("ix_customers_store_id_external_id"), "customers", ["store_id", "external_id"], unique=True)
    op.create_index(op.f("ix_customers_store_id_phone"), "customers", ["store_id", "phone"], unique=False)
    op.create_index(
        "ix_customers_without_email",
        "customers",
        ["store_id", "id"],
        unique=False,
        postgresql_where=sa.text("email IS NULL"),
        sqlite_where=sa.text("email IS NULL"),
    )
    op.create_index(
        "ix_customers_without_phone",
        "customers",
        ["store_id", "id"],
        unique=False,
        postgresql_where=sa.text("phone IS NULL"),
        sqlite_where=sa.text("phone IS NULL"),
    )
    op.create_table(
        "deliveries",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", Id(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("provider_message_id", sa.String(length=200), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "campaign_id", "customer_id", name=op.f("pk_deliveries")),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_tallies",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "type", "customer_id", name=op.f("pk_event_tallies")),
        postgresql_with={"fillfactor": 80},
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_event_tallies_store_id_customer_id"), "event_tallies", ["store_id", "customer_id"], unique=False
    )
    op.create_index(
        op.f("ix_event_tallies_store_id_type_last_at_customer_id"),
        "event_tallies",
        ["store_id", "type", "last_at", "customer_id"],
        unique=False,
    )
    op.create_table(
        "events",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("attributes", Json(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_events")),
    )
    op.create_index(
        op.f("ix_events_store_id_customer_id_occurred_at"),
        "events",
        ["store_id", "customer_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_events_store_id_type_occurred_at_customer_id"),
        "events",
        ["store_id", "type", "occurred_at", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_events_subject",
        "events",
        ["store_id", "type", "subject", "occurred_at", "customer_id"],
        unique=False,
        postgresql_where=sa.text("subject IS NOT NULL"),
        sqlite_where=sa.text("subject IS NOT NULL"),
    )
    op.create_table(
        "import_customers",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation_id", Id(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("gender", sa.String(length=16), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("city", sa.String(length=200), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("member", sa.Boolean(), nullable=True),
        sa.Column("tier", sa.String(length=100), nullable=True),
        sa.Column("tier_expires_on", sa.Date(), nullable=True),
        sa.Column("registered_at", Instant(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("contacts", sa.Text(), nullable=True),
        sa.Column("properties", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "operation_id", "part", "row", name=op.f("pk_import_customers")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_matches",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation_id", Id(), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "operation_id", "row", name=op.f("pk_import_matches")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_orders",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation_id", Id(), nullable=False),
        sa.Column("customer_external_id", sa.String(length=200), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("placed_at", Instant(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("total", Money(), nullable=True),
        sa.Column("product", sa.String(length=200), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("category", sa.String(length=200), nullable=True),
        sa.Column("brand", sa.String(length=200), nullable=True),
        sa.Column("quantity", sa.Double(), nullable=True),
        sa.Column("price", Money(), nullable=True),
        sa.PrimaryKeyConstraint(
            "store_id", "operation_id", "customer_external_id", "order_id", "row", name=op.f("pk_import_orders")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imports",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("progress", Json(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "operation_id", name=op.f("pk_imports")),
    )
    op.create_table(
        "jobs",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payload", Json(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("owner", sa.String(length=100), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_status_due_at"), "jobs", ["status", "due_at"], unique=False)
    op.create_table(
        "list_members",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("list_id", Id(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "list_id", "customer_id", name=op.f("pk_list_members")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "operation_problems",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "operation_id", "number", name=op.f("pk_operation_problems")),
    )
    op.create_table(
        "order_item_facets",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("facet", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint(
            "store_id", "order_id", "position", "facet", "value", name=op.f("pk_order_item_facets")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_order_item_facets_store_id_facet_value_order_id_position"),
        "order_item_facets",
        ["store_id", "facet", "value", "order_id", "position"],
        unique=False,
    )
    op.create_table(
        "order_items",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", Instant(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("variant", sa.String(length=200), nullable=True),
        sa.Column("category", sa.String(length=200), nullable=True),
        sa.Column("department", sa.String(length=200), nullable=True),
        sa.Column("brand", sa.String(length=200), nullable=True),
        sa.Column("quantity", sa.Double(), nullable=False),
        sa.Column("price", Money(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "order_id", "position", name=op.f("pk_order_items")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_order_items_brand",
        "order_items",
        ["store_id", "brand", "placed_at", "customer_id"],
        unique=False,
        postgresql_where=sa.text("counted AND brand IS NOT NULL"),
        postgresql_include=["order_id"],
        sqlite_where=sa.text("counted AND brand IS NOT NULL"),
    )
    op.create_index(
        "ix_order_items_category",
        "order_items",
        ["store_id", "category", "placed_at", "customer_id"],
        unique=False,
        postgresql_where=sa.text("counted AND category IS NOT NULL"),
        postgresql_include=["order_id"],
        sqlite_where=sa.text("counted AND category IS NOT NULL"),
    )
    op.create_index(
        "ix_order_items_customer",
        "order_items",
        ["store_id", "customer_id"],
        unique=False,
        postgresql_where=sa.text("counted"),
        sqlite_where=sa.text("counted"),
    )
    op.create_index(
        "ix_order_items_department",
        "order_items",
        ["store_id", "department", "placed_at", "customer_id"],
        unique=False,
        postgresql_where=sa.text("counted AND department IS NOT NULL"),
        postgresql_include=["order_id"],
        sqlite_where=sa.text("counted AND department IS NOT NULL"),
    )
    op.create_index(
        "ix_order_items_product",
        "order_items",
        ["store_id", "product", "placed_at", "customer_id"],
        unique=False,
        postgresql_where=sa.text("counted AND product IS NOT NULL"),
        postgresql_include=["order_id"],
        sqlite_where=sa.text("counted AND product IS NOT NULL"),
    )
    op.create_table(
        "orders",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", Instant(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("payment_status", sa.String(length=32), nullable=True),
        sa.Column("delivery_status", sa.String(length=32), nullable=True),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("total", Money(), nullable=False),
        sa.Column("refunded", Money(), server_default="0", nullable=False),
        sa.Column("lines", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quantity", sa.Double(), server_default="0", nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("coupon", sa.String(length=100), nullable=True),
        sa.Column("campaign", sa.String(length=64), nullable=True),
        sa.Column("weekday", sa.SmallInteger(), nullable=True),
        sa.Column("month_day", sa.SmallInteger(), nullable=True),
        sa.Column("hour", sa.SmallInteger(), nullable=True),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_orders")),
    )
    op.create_index(
        "ix_orders_customer",
        "orders",
        ["store_id", "customer_id", "placed_at"],
        unique=False,
        postgresql_where=sa.text("counted"),
        postgresql_include=["total"],
        sqlite_where=sa.text("counted"),
    )
    op.create_index(
        "ix_orders_placed",
        "orders",
        ["store_id", "placed_at", "customer_id", "total"],
        unique=False,
        postgresql_where=sa.text("counted"),
        sqlite_where=sa.text("counted"),
    )
    op.create_table(
        "sandbox_messages",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", Id(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message", Json(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "campaign_id", "customer_id", name=op.f("pk_sandbox_messages")),
    )
    op.create_table(
        "segment_members",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment_id", Id(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "segment_id", "customer_id", name=op.f("pk_segment_members")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_segment_members_store_id_customer_id"), "segment_members", ["store_id", "customer_id"], unique=False
    )
    op.create_table(
        "segment_memberships",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment_id", Id(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "segment_id", "customer_id", name=op.f("pk_segment_memberships")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_segment_memberships_store_id_customer_id"),
        "segment_memberships",
        ["store_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "stores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("static_segment_members", sa.Integer(), nullable=False),
        sa.Column("property_conditions", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
    )
    op.create_table(
        "uploads",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "operation_id", "number", name=op.f("pk_uploads")),
    )
    op.create_table(
        "wallet_changes",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "kind", "customer_id", name=op.f("pk_wallet_changes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wallet_lots",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("remaining", Money(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "kind", "customer_id", "id", name=op.f("pk_wallet_lots")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_wallet_lots_expires",
        "wallet_lots",
        ["store_id", "kind", "expires_on", "customer_id", "remaining"],
        unique=False,
        postgresql_where=sa.text("remaining <> 0"),
        sqlite_where=sa.text("remaining <> 0"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("store_id", sa.Integer(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.String(length=100), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("last_used_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_api_tokens_stores")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_api_tokens")),
    )
    op.create_index(op.f("ix_api_tokens_hash"), "api_tokens", ["hash"], unique=True)
    op.create_table(
        "campaigns",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("list_id", Id(), nullable=True),
        sa.Column("target_name", sa.String(length=60), nullable=False),
        sa.Column("exclude", Json(), nullable=False),
        sa.Column("accept_marketing", sa.String(length=24), nullable=False),
        sa.Column("content", Json(), nullable=False),
        sa.Column("utm", Json(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("scheduled_at", Instant(), nullable=True),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_campaigns_stores")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_campaigns")),
    )
    op.create_index(op.f("ix_campaigns_status_scheduled_at"), "campaigns", ["status", "scheduled_at"], unique=False)
    op.create_index(op.f("ix_campaigns_store_id_list_id"), "campaigns", ["store_id", "list_id"], unique=False)
    op.create_table(
        "channel_installations",
        sa.Column("store_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("installed_at", Instant(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_channel_installations_stores")),
        sa.PrimaryKeyConstraint("store_id", "channel", name=op.f("pk_channel_installations")),
    )
    op.create_table(
        "customer_numbers",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_customer_numbers_stores")),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_customer_numbers")),
    )
    op.create_table(
        "followed_segments",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment_id", Id(), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("next_eval_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_followed_segments_stores")),
        sa.PrimaryKeyConstraint("store_id", "segment_id", name=op.f("pk_followed_segments")),
    )
    op.create_index(op.f("ix_followed_segments_next_eval_at"), "followed_segments", ["next_eval_at"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("store_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request", sa.LargeBinary(length=32), nullable=False),
        sa.Column("subject_id", Id(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_idempotency_keys_stores")),
        sa.PrimaryKeyConstraint("store_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "lifecycles",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scheduled_on", sa.Date(), nullable=True),
        sa.Column("computed_on", sa.Date(), nullable=True),
        sa.Column("active_days", sa.Integer(), nullable=True),
        sa.Column("lost_days", sa.Integer(), nullable=True),
        sa.Column("introduce_days", sa.Integer(), nullable=True),
        sa.Column("loyal_orders", sa.Integer(), nullable=True),
        sa.Column("high_spend", Money(), nullable=True),
        sa.Column("repurchase_days", sa.Integer(), nullable=True),
        sa.Column("measured", sa.Boolean(), nullable=True),
        sa.Column("used_active_days", sa.Integer(), nullable=True),
        sa.Column("used_lost_days", sa.Integer(), nullable=True),
        sa.Column("used_introduce_days", sa.Integer(), nullable=True),
        sa.Column("used_loyal_orders", sa.Integer(), nullable=True),
        sa.Column("used_high_spend", Money(), nullable=True),
        sa.Column("used_cycle", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_lifecycles_stores")),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_lifecycles")),
    )
    op.create_table(
        "operations",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("file", sa.String(length=200), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=True),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_operations_stores")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_operations")),
    )
    op.create_table(
        "property_definitions",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_property_definitions_stores")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_property_definitions")),
    )
    op.create_index(
        op.f("ix_property_definitions_store_id_key"), "property_definitions", ["store_id", "key"], unique=True
    )
    op.create_table(
        "segments",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("list_name", sa.String(length=50), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("include", Json(), nullable=True),
        sa.Column("exclude", Json(), nullable=True),
        sa.Column("update_mode", sa.String(length=16), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("next_refresh_at", Instant(), nullable=True),
        sa.Column("last_refreshed_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_segments_stores")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_segments")),
    )
    op.create_index(op.f("ix_segments_next_refresh_at"), "segments", ["next_refresh_at"], unique=False)
    op.create_index(op.f("ix_segments_store_id_name"), "segments", ["store_id", "name"], unique=True)
    op.create_table(
        "store_versions",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("existence", sa.BigInteger(), nullable=False),
        sa.Column("profile", sa.BigInteger(), nullable=False),
        sa.Column("contacts", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("wallets", sa.BigInteger(), nullable=False),
        sa.Column("groups", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_store_versions_stores")),
        sa.PrimaryKeyConstraint("store_id", "shard", name=op.f("pk_store_versions")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "value_ranks",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.String(length=100), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_value_ranks_stores")),
        sa.PrimaryKeyConstraint("store_id", "dimension", "value", name=op.f("pk_value_ranks")),
    )
    op.create_table(
        "delivery_batches",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_customer_id", sa.BigInteger(), nullable=False),
        sa.Column("last_customer_id", sa.BigInteger(), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "campaign_id"],
            ["campaigns.store_id", "campaigns.id"],
            name=op.f("fk_delivery_batches_campaigns"),
        ),
        sa.PrimaryKeyConstraint("store_id", "campaign_id", "number", name=op.f("pk_delivery_batches")),
    )
    op.create_table(
        "lists",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("segment_id", Id(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "segment_id"], ["segments.store_id", "segments.id"], name=op.f("fk_lists_segments")
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_lists")),
    )
    op.create_index(
        op.f("ix_lists_store_id_segment_id_number"), "lists", ["store_id", "segment_id", "number"], unique=True
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_lists_store_id_segment_id_number"), table_name="lists")
    op.drop_table("lists")
    op.drop_table("delivery_batches")
    op.drop_table("value_ranks")
    op.drop_table("store_versions")
    op.drop_index(op.f("ix_segments_store_id_name"), table_name="segments")
    op.drop_index(op.f("ix_segments_next_refresh_at"), table_name="segments")
    op.drop_table("segments")
    op.drop_index(op.f("ix_property_definitions_store_id_key"), table_name="property_definitions")
    op.drop_table("property_definitions")
    op.drop_table("operations")
    op.drop_table("lifecycles")
    op.drop_table("idempotency_keys")
    op.drop_index(op.f("ix_followed_segments_next_eval_at"), table_name="followed_segments")
    op.drop_table("followed_segments")
    op.drop_table("customer_numbers")
    op.drop_table("channel_installations")
    op.drop_index(op.f("ix_campaigns_store_id_list_id"), table_name="campaigns")
    op.drop_index(op.f("ix_campaigns_status_scheduled_at"), table_name="campaigns")
    op.drop_table("campaigns")
    op.drop_index(op.f("ix_api_tokens_hash"), table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_index(
        "ix_wallet_lots_expires",
        table_name="wallet_lots",
        postgresql_where=sa.text("remaining <> 0"),
        sqlite_where=sa.text("remaining <> 0"),
    )
    op.drop_table("wallet_lots")
    op.drop_table("wallet_changes")
    op.drop_table("uploads")
    op.drop_table("stores")
    op.drop_index(op.f("ix_segment_memberships_store_id_customer_id"), table_name="segment_memberships")
    op.drop_table("segment_memberships")
    op.drop_index(op.f("ix_segment_members_store_id_customer_id"), table_name="segment_members")
    op.drop_table("segment_members")
    op.drop_table("sandbox_messages")
    op.drop_index(
        "ix_orders_placed", table_name="orders", postgresql_where=sa.text("counted"), sqlite_where=sa.text("counted")
    )
    op.drop_index(
        "ix_orders_customer",
        table_name="orders",
        postgresql_where=sa.text("counted"),
        postgresql_include=["total"],
        sqlite_where=sa.text("counted"),
    )
    op.drop_table("orders")
    op.drop_index(
        "ix_order_items_product",
        table_name="order_items",
        postgresql_where=sa.text("counted AND product IS NOT NULL"),
        postgresql_include=["order_id"],
        sqlite_where=sa.text("counted AND product IS NOT NULL"),
    )
    op.drop_index(
        "ix_order_items_department",
        table_name="order_items",
        postgresql_where=sa.text("counted AND department IS NOT NULL"),
        postgresql_include=["order_id"],
        sqlite_where=sa.text("counted AND department IS NOT NULL"),
    )
    op.drop_index(
        "ix_order_items_customer",
        table_name="order_items",
        postgresql_where=sa.text("counted"),
        sqlite_where=sa.text("counted"),
    )
    op.drop_index(
        "ix_order_items_category",
        table_name="order_items",
        postgresql_where=sa.text("counted AND category IS NOT NULL"),
        postgresql_include=["order_id"],
        sqlite_where=sa.text("counted AND category IS NOT NULL"),
    )
    op.drop_index(
        "ix_order_items_brand",
        table_name="order_items",
        postgresql_where=sa.text("counted AND brand IS NOT NULL"),
        postgresql_include=["order_id"],
        sqlite_where=sa.text("counted AND brand IS NOT NULL"),
    )
    op.drop_table("order_items")
    op.drop_index(op.f("ix_order_item_facets_store_id_facet_value_order_id_position"), table_name="order_item_facets")
    op.drop_table("order_item_facets")
    op.drop_table("operation_problems")
    op.drop_table("list_members")
    op.drop_index(op.f("ix_jobs_status_due_at"), table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("imports")
    op.drop_table("import_orders")
    op.drop_table("import_matches")
    op.drop_table("import_customers")
    op.drop_index(
        "ix_events_subject",
        table_name="events",
        postgresql_where=sa.text("subject IS NOT NULL"),
        sqlite_where=sa.text("subject IS NOT NULL"),
    )
    op.drop_index(op.f("ix_events_store_id_type_occurred_at_customer_id"), table_name="events")
    op.drop_index(op.f("ix_events_store_id_customer_id_occurred_at"), table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_event_tallies_store_id_type_last_at_customer_id"), table_name="event_tallies")
    op.drop_index(op.f("ix_event_tallies_store_id_customer_id"), table_name="event_tallies")
    op.drop_table("event_tallies")
    op.drop_table("deliveries")
    op.drop_index(
        "ix_customers_without_phone",
        table_name="customers",
        postgresql_where=sa.text("phone IS NULL"),
        sqlite_where=sa.text("phone IS NULL"),
    )
    op.drop_index(
        "ix_customers_without_email",
        table_name="customers",
        postgresql_where=sa.text("email IS NULL"),
        sqlite_where=sa.text("email IS NULL"),
    )
    op.drop_index(op.f("ix_customers_store_id_phone"), table_name="customers")
    op.drop_index(op.f("ix_customers_store_id_external_id"), table_name="customers")
    op.drop_index(op.f("ix_customers_store_id_email"), table_name="customers")
    op.drop_index("ix_customers_profile", table_name="customers")
    op.drop_index(
        "ix_customers_deleted",
        table_name="customers",
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_customers_blacklisted",
        table_name="customers",
        postgresql_where=sa.text("blacklisted"),
        sqlite_where=sa.text("blacklisted"),
    )
    op.drop_table("customers")
    op.drop_index(op.f("ix_customer_tags_store_id_tag_customer_id"), table_name="customer_tags")
    op.drop_table("customer_tags")
    op.drop_index(op.f("ix_customer_scores_store_id_stage_customer_id"), table_name="customer_scores")
    op.drop_index(op.f("ix_customer_scores_store_id_rfm_group_customer_id"), table_name="customer_scores")
    op.drop_table("customer_scores")
    op.drop_index(
        "ix_customer_properties_string",
        table_name="customer_properties",
        postgresql_where=sa.text('"string" IS NOT NULL'),
        sqlite_where=sa.text('"string" IS NOT NULL'),
    )
    op.drop_index(
        "ix_customer_properties_number",
        table_name="customer_properties",
        postgresql_where=sa.text('"number" IS NOT NULL'),
        sqlite_where=sa.text('"number" IS NOT NULL'),
    )
    op.drop_index(
        "ix_customer_properties_datetime",
        table_name="customer_properties",
        postgresql_where=sa.text('"datetime" IS NOT NULL'),
        sqlite_where=sa.text('"datetime" IS NOT NULL'),
    )
    op.drop_index(
        "ix_customer_properties_date",
        table_name="customer_properties",
        postgresql_where=sa.text('"date" IS NOT NULL'),
        sqlite_where=sa.text('"date" IS NOT NULL'),
    )
    op.drop_index(
        "ix_customer_properties_boolean",
        table_name="customer_properties",
        postgresql_where=sa.text('"boolean" IS NOT NULL'),
        sqlite_where=sa.text('"boolean" IS NOT NULL'),
    )
    op.drop_table("customer_properties")
    op.drop_table("customer_origins")
    op.drop_index(op.f("ix_customer_favourites_store_id_kind_value_customer_id"), table_name="customer_favourites")
    op.drop_table("customer_favourites")
    op.drop_table("customer_facts")
    op.drop_index(op.f("ix_customer_coupons_store_id_coupon_customer_id"), table_name="customer_coupons")
    op.drop_table("customer_coupons")
    op.drop_index(op.f("ix_customer_changes_store_id_due_at"), table_name="customer_changes")
    op.drop_table("customer_changes")
    op.drop_index(
        op.f("ix_customer_addresses_store_id_country_region_city_customer_id"), table_name="customer_addresses"
    )
    op.drop_table("customer_addresses")
    op.drop_index(op.f("ix_contacts_store_id_channel_consent_customer_id"), table_name="contacts")
    op.drop_index(
        "ix_contacts_invalid",
        table_name="contacts",
        postgresql_where=sa.text("invalid"),
        sqlite_where=sa.text("invalid"),
    )
    op.drop_index(
        "ix_contacts_addressed",
        table_name="contacts",
        postgresql_where=sa.text("address IS NOT NULL"),
        sqlite_where=sa.text("address IS NOT NULL"),
    )
    op.drop_table("contacts")
