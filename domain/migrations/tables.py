"""Every topic's tables, registered with the metadata."""

from domain.campaigns import tables as campaigns
from domain.changes import tables as changes
from domain.customers import tables as customers
from domain.deliveries import tables as deliveries
from domain.events import log_tables as history
from domain.imports import tables as imports
from domain.jobs import tables as jobs
from domain.kit.db.schema import metadata
from domain.lifecycle import tables as lifecycle
from domain.lists import tables as lists
from domain.memberships import tables as following
from domain.operations import tables as operations
from domain.orders import tables as events
from domain.segments import tables as segments
from domain.stores import tables as stores
from domain.wallets import tables as wallets

__all__ = [
    "campaigns",
    "changes",
    "customers",
    "deliveries",
    "events",
    "following",
    "history",
    "imports",
    "jobs",
    "lifecycle",
    "lists",
    "metadata",
    "operations",
    "segments",
    "stores",
    "wallets",
]
