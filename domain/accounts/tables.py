"""Rows of accounts that have limits or were refused, and who sends through one now."""

from sqlalchemy import Column, Integer, String, Table

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant

channel_accounts = Table(
    "channel_accounts",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(64), primary_key=True),
    # As the channel names it; empty where the channel names none.
    Column("account", String(200), primary_key=True),
    # When a message would be due if all that were permitted had gone out evenly (GCRA's theoretical arrival time).
    Column("arrival_at", Instant),
    # When the next of the jobs that wait looks again.
    Column("turn_at", Instant),
    Column("refused_until", Instant),
    Column("reason", String(500)),
    # In a row.
    Column("refusals", Integer, nullable=False),
    postgresql_with={"fillfactor": 50},
)

# A slot is its claim's as long as that holds its job.
account_slots = Table(
    "account_slots",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(64), primary_key=True),
    Column("account", String(200), primary_key=True),
    Column("job_id", Id, primary_key=True),
    Column("fence", Integer, nullable=False),
)
