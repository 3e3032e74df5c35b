"""Objections of customers become those of their addresses, whoever else has them.

`objections` is built from what is stored: customers' blacklist, contacts that are unsubscribed, contacts that are
invalid, and customers who came back after an erasure. Each is found by its index, or by one pass over the contacts, and
each statement writes a row for each objecting address: 0.5 s for 20,000 unsubscribed of 200,000 contacts on
PostgreSQL. On a channel without an address of its own, the customer's e-mail address and phone number both object: which
of them a channel takes its plugin alone knows, and it asks for that one alone.

`suppressions`, of persons who were erased, have a channel: every one, for those that there are. The table is made anew
with its rows. An index of contacts is made anew to find those with an address.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_STORE = "(SELECT CAST(NULLIF(current_setting('muster.store_id', true), '') AS integer))"
_KEYS = "store_id, address, channel, reason"
# As with contacts of their own, and those that take the customer's e-mail address or phone number.
_ON_CHANNEL = """
    SELECT c.store_id, c.address, c.channel, c.customer_id, {since} AS since
    FROM contacts c WHERE {condition} AND c.address IS NOT NULL
    UNION ALL
    SELECT c.store_id, k.email, c.channel, c.customer_id, {since}
    FROM contacts c JOIN customers k ON k.store_id = c.store_id AND k.id = c.customer_id
    WHERE {condition} AND c.address IS NULL AND k.email IS NOT NULL
    UNION ALL
    SELECT c.store_id, k.phone, c.channel, c.customer_id, {since}
    FROM contacts c JOIN customers k ON k.store_id = c.store_id AND k.id = c.customer_id
    WHERE {condition} AND c.address IS NULL AND k.phone IS NOT NULL
"""
_EVERYWHERE = """
    SELECT k.store_id, k.email AS address, '*' AS channel, k.id AS customer_id, {now} AS since
    FROM customers k {joined} WHERE {condition} AND k.email IS NOT NULL
    UNION ALL
    SELECT k.store_id, k.phone, '*', k.id, {now} FROM customers k {joined} WHERE {condition} AND k.phone IS NOT NULL
    UNION ALL
    SELECT c.store_id, c.address, '*', c.customer_id, {now}
    FROM customers k {joined} JOIN contacts c ON c.store_id = k.store_id AND c.customer_id = k.id
    WHERE {condition} AND c.address IS NOT NULL
"""
_RETURNED = "JOIN suppressed_customers s ON s.store_id = k.store_id AND s.customer_id = k.id"


def upgrade() -> None:
    op.create_table(
        "objections",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("lifted_at", Instant()),
        sa.PrimaryKeyConstraint("store_id", "address", "channel", "reason", name=op.f("pk_objections")),
        sqlite_with_rowid=False,
    )
    now = "now()" if _is_postgresql() else "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
    said_at = f"coalesce(c.consent_at, {now})"
    # Written just as the partial indexes have them.
    _add("UNSUBSCRIBED", _ON_CHANNEL.format(condition="c.consent = 'UNSUBSCRIBED'", since=said_at))
    _add("BOUNCED", _ON_CHANNEL.format(condition="c.invalid", since=now))
    _add("BLACKLISTED", _EVERYWHERE.format(condition="k.blacklisted", joined="", now=now))
    _add("ERASED", _EVERYWHERE.format(condition="true", joined=_RETURNED, now=now))
    op.create_index("ix_objections_store_id_customer_id", "objections", ["store_id", "customer_id"])
    op.drop_table("suppressed_customers")
    _replace_suppressions(["store_id", "hash", "channel"], "'*'")
    _replace_index(["store_id", "channel", "address", "customer_id"])
    _protect("objections", "suppressions")


def downgrade() -> None:
    op.create_table(
        "suppressed_customers",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "customer_id", name=op.f("pk_suppressed_customers")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO suppressed_customers (store_id, customer_id) SELECT DISTINCT store_id, customer_id FROM objections "
        "WHERE reason = 'ERASED' AND lifted_at IS NULL"
    )
    op.drop_table("objections")
    # A no to one channel becomes one to all: nobody is written to for that.
    _replace_suppressions(["store_id", "hash"], None)
    _replace_index(["store_id", "channel", "customer_id"])
    _protect("suppressed_customers", "suppressions")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _add(reason: str, said: str) -> None:
    """Add the objections of a select, of which several may be of one address."""
    op.execute(
        f"INSERT INTO objections ({_KEYS}, customer_id, since) "  # noqa: S608 - words of this file
        f"SELECT store_id, address, channel, '{reason}', min(customer_id), max(since) FROM ({said}) said "
        "GROUP BY store_id, address, channel"
    )


def _replace_suppressions(keys: list[str], channel: str | None) -> None:
    op.create_table("suppressions_before", *_suppression_columns(with_channel=channel is None))
    columns = "store_id, hash, created_at"
    before = f"{columns}, channel" if channel is None else columns
    op.execute(f"INSERT INTO suppressions_before ({before}) SELECT {before} FROM suppressions")  # noqa: S608 - likewise
    op.drop_table("suppressions")
    op.create_table(
        "suppressions",
        *_suppression_columns(with_channel=channel is not None),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_suppressions_stores")),
        sa.PrimaryKeyConstraint(*keys, name=op.f("pk_suppressions")),
    )
    if channel is None:
        op.execute(
            f"INSERT INTO suppressions ({columns}) SELECT store_id, hash, max(created_at) FROM suppressions_before "  # noqa: S608
            "GROUP BY store_id, hash"
        )
    else:
        op.execute(
            f"INSERT INTO suppressions ({columns}, channel) SELECT {columns}, {channel} FROM suppressions_before"  # noqa: S608
        )
    op.drop_table("suppressions_before")


def _suppression_columns(*, with_channel: bool) -> list[sa.Column[object]]:
    columns: list[sa.Column[object]] = [
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    ]
    if with_channel:
        columns.append(sa.Column("channel", sa.String(64), nullable=False))
    return [*columns, sa.Column("created_at", Instant(), nullable=False)]


def _replace_index(columns: list[str]) -> None:
    op.drop_index("ix_contacts_addressed", "contacts")
    addressed = sa.text("address IS NOT NULL")
    op.create_index("ix_contacts_addressed", "contacts", columns, postgresql_where=addressed, sqlite_where=addressed)


def _protect(*tables: str) -> None:
    """Have requests see rows of their own store alone, as 0009 says."""
    for table in tables if _is_postgresql() else ():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_store ON {table} USING (store_id = {_STORE})")
