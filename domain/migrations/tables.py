"""Every topic's tables, registered with the metadata."""

from domain.accounts import tables as accounts
from domain.audit import tables as audit
from domain.campaigns import tables as campaigns
from domain.changes import tables as changes
from domain.channels import tables as channels
from domain.consents import tables as consents
from domain.customers import tables as customers
from domain.deliveries import tables as deliveries
from domain.events import tables as events
from domain.imports import tables as imports
from domain.installation import tables as installation
from domain.jobs import tables as jobs
from domain.kit.db.schema import metadata
from domain.lifecycle import tables as lifecycle
from domain.lists import tables as lists
from domain.memberships import tables as memberships
from domain.operations import tables as operations
from domain.orders import tables as orders
from domain.receipts import tables as receipts
from domain.segments import tables as segments
from domain.stores import tables as stores
from domain.wallets import tables as wallets

__all__ = [
    "accounts",
    "audit",
    "campaigns",
    "changes",
    "channels",
    "consents",
    "customers",
    "deliveries",
    "events",
    "imports",
    "installation",
    "jobs",
    "lifecycle",
    "lists",
    "memberships",
    "metadata",
    "operations",
    "orders",
    "receipts",
    "segments",
    "stores",
    "wallets",
]
