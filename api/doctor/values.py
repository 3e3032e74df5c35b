"""Checks of single values, by one pass over all stores' rows: known choices, times that have been, JSON in shape."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from muster_sdk import ReceiptKind
from sqlalchemy import Column, Text, case, func, select, true, type_coerce

from api.doctor.check import CheckScope, DataCheck, Rows, WrongRows
from domain.audit.model import ActorKind, AuditOutcome
from domain.audit.tables import audit_entries
from domain.campaigns.model import CampaignStatus
from domain.campaigns.tables import campaigns
from domain.channels.tables import channel_syncs, channel_works, synced_lists
from domain.consents.tables import suppressions
from domain.customers.model import AccountStatus, Consent, Gender, ObjectionReason
from domain.customers.tables import contacts, customers, objections, property_definitions
from domain.deliveries.model import AcceptMarketing, DeliveryStatus
from domain.deliveries.tables import conversations, deliveries, sandbox_messages
from domain.events.tables import events
from domain.imports.model import ImportKind
from domain.imports.tables import import_reports, import_samples, imports
from domain.installation.tables import installation
from domain.jobs.model import JobStatus, Queue
from domain.jobs.tables import jobs
from domain.kit.values import ValueType
from domain.lifecycle.model import LifecycleStage, RepurchasePosition, RfmGroup, ShopperType
from domain.lifecycle.tables import customer_scores
from domain.lists.model import ListStatus
from domain.lists.tables import lists
from domain.operations.model import OperationStatus
from domain.operations.tables import operation_problems, operations
from domain.orders import favourites
from domain.orders.meanings import StatusMeaning
from domain.orders.tables import customer_favourites, order_statuses, orders
from domain.receipts.tables import receipts
from domain.segments.model import SegmentKind, UpdateMode
from domain.segments.tables import segments
from domain.stores.tables import api_tokens, channel_installations, idempotency_keys, stores
from domain.wallets import tables as wallets
from domain.wallets.model import Wallet

# A clock that was set right meanwhile is no corruption.
_CLOCK_TOLERANCE = timedelta(hours=1)


def _values(*choices: type[StrEnum]) -> tuple[str, ...]:
    return tuple(choice.value for kind in choices for choice in kind)


CHOICES: Mapping[Column[str], tuple[str, ...]] = {
    audit_entries.c.actor: _values(ActorKind),
    audit_entries.c.outcome: _values(AuditOutcome),
    campaigns.c.status: _values(CampaignStatus),
    campaigns.c.accept_marketing: _values(AcceptMarketing),
    channel_syncs.c.status: _values(OperationStatus),
    contacts.c.consent: _values(Consent),
    receipts.c.kind: _values(ReceiptKind),
    objections.c.reason: _values(ObjectionReason),
    customers.c.gender: _values(Gender),
    customers.c.account_status: _values(AccountStatus),
    customer_favourites.c.kind: favourites.KINDS,
    customer_scores.c.rfm_group: _values(RfmGroup),
    customer_scores.c.stage: _values(LifecycleStage),
    customer_scores.c.shopper_type: _values(ShopperType),
    customer_scores.c.repurchase_position: _values(RepurchasePosition),
    deliveries.c.status: _values(DeliveryStatus),
    imports.c.kind: _values(ImportKind),
    order_statuses.c.meaning: _values(StatusMeaning),
    jobs.c.queue: _values(Queue),
    jobs.c.status: _values(JobStatus),
    lists.c.status: _values(ListStatus),
    operations.c.status: _values(OperationStatus),
    property_definitions.c.type: _values(ValueType),
    segments.c.kind: _values(SegmentKind),
    segments.c.update_mode: _values(UpdateMode),
    wallets.lots.c.kind: _values(Wallet),
    wallets.changes.c.kind: _values(Wallet),
}
# When rows were made or changed, by our clock or the database's.
PAST = (
    api_tokens.c.created_at,
    api_tokens.c.last_used_at,
    audit_entries.c.at,
    campaigns.c.created_at,
    campaigns.c.started_at,
    channel_installations.c.installed_at,
    channel_syncs.c.last_synced_at,
    channel_works.c.worked_at,
    contacts.c.consent_at,
    customers.c.created_at,
    customers.c.updated_at,
    deliveries.c.sent_at,
    deliveries.c.updated_at,
    events.c.received_at,
    idempotency_keys.c.created_at,
    import_reports.c.created_at,
    import_samples.c.created_at,
    imports.c.received_at,
    installation.c.beat_at,
    installation.c.created_at,
    jobs.c.created_at,
    lists.c.created_at,
    operation_problems.c.created_at,
    operations.c.created_at,
    orders.c.updated_at,
    property_definitions.c.created_at,
    *(receipts.c.at, receipts.c.received_at, conversations.c.last_at),
    *(deliveries.c.delivered_at, deliveries.c.failed_at),
    segments.c.created_at,
    segments.c.updated_at,
    stores.c.created_at,
    suppressions.c.created_at,
    synced_lists.c.synced_at,
    *(objections.c.since, objections.c.lifted_at),
)
OBJECTS = (
    *(audit_entries.c.asked, audit_entries.c.before, audit_entries.c.after),
    *(campaigns.c.content, campaigns.c.utm),
    *(events.c.attributes, jobs.c.payload, sandbox_messages.c.message),
    *(import_reports.c.report, import_samples.c.fields, imports.c.progress),
    *(segments.c.include, segments.c.exclude),
)
ARRAYS = (campaigns.c.exclude,)


def _unknown_choices(column: Column[str], choices: tuple[str, ...]) -> WrongRows:
    named = dict.fromkeys([*column.table.primary_key, column])
    return WrongRows(
        f"rows of {column.table.name} with an unknown {column.name}",
        lambda _: select(*named).where(column.not_in(choices)),
    )


def _future_times(column: Column[object]) -> WrongRows:
    return WrongRows(
        f"rows of {column.table.name} whose {column.name} is to come",
        lambda scope: select(*column.table.primary_key, column).where(column > scope.now + _CLOCK_TOLERANCE),
    )


def _misshapen(column: Column[object], shape: str) -> WrongRows:
    def rows(scope: CheckScope) -> Rows:
        if scope.dialect == "postgresql":
            is_wrong = func.jsonb_typeof(column) != shape
        else:
            stored = type_coerce(column, Text())
            # Nothing is read of what is no JSON: that would fail.
            is_wrong = case((~func.json_valid(stored), true()), else_=func.json_type(stored) != shape)
        return select(*column.table.primary_key).where(column.is_not(None), is_wrong)

    return WrongRows(f"rows of {column.table.name} whose {column.name} is no JSON {shape}", rows)


DATA_CHECKS = (
    DataCheck(
        "choices",
        "states and kinds are ones that this release knows",
        "was a newer release in use? Run that one, or set the column to a value that its documentation names",
        [_unknown_choices(column, choices) for column, choices in CHOICES.items()],
    ),
    DataCheck(
        "times",
        "nothing was made in the future",
        "set the clock of the machine that wrote it right; then set the column to a time that has been",
        list(map(_future_times, PAST)),
    ),
    DataCheck(
        "json",
        "stored JSON is whole and of the right shape",
        "restore the rows that are named from a backup",
        [
            *(_misshapen(column, "object") for column in OBJECTS),
            *(_misshapen(column, "array") for column in ARRAYS),
        ],
    ),
)
