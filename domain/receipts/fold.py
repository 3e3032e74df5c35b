"""Receipts are folded: into deliveries and their counts, events of customers, and what addresses object to.

Each transaction takes some receipts, and deletes those that it has folded: what was interrupted is done again, and
finds nothing to do. Deliveries come before customers, as with whoever sends.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from muster_sdk import DeliveryNotice
from sqlalchemy import select

from domain import jobs
from domain.campaigns import queries as campaigns
from domain.deliveries import counts, notices, proven
from domain.deliveries.proven import ProvenDelivery
from domain.deliveries.settlement import until_written
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Database, Transaction
from domain.kit.db.portable import database_now
from domain.receipts import effects, queries
from domain.receipts.effects import FoldedDelivery
from domain.receipts.queries import PATIENCE, WaitingReceipt
from domain.services import Services
from domain.sessions.outcomes import without_address

log = structlog.get_logger(__name__)

KIND = "receipts.fold"
_QUEUE = Queue.DEFAULT
# Receipts of a transaction.
_AT_ONCE = 2_000
# Told of a channel how many of its receipts belonged to no message.
OnDropped = Callable[[str, int], None]


@dataclass(slots=True)
class FoldResult:
    """Receipts that a transaction has looked at."""

    folded: list[WaitingReceipt] = field(default_factory=list[WaitingReceipt])
    waiting: list[WaitingReceipt] = field(default_factory=list[WaitingReceipt])
    dropped: list[WaitingReceipt] = field(default_factory=list[WaitingReceipt])
    # Of the folded ones, for observers.
    notices: list[DeliveryNotice] = field(default_factory=list[DeliveryNotice])

    @property
    def looked_at(self) -> int:
        return len(self.folded) + len(self.waiting) + len(self.dropped)


async def schedule_due(database: Database) -> int:
    """Have workers fold the receipts that wait, and return of how many stores these are."""
    async with database.read() as tx:
        store_ids = await queries.stores_with_due(tx)
    for store_id in store_ids:
        async with database.write() as tx:
            await jobs.add_once(tx, store_id, KIND, queue=_QUEUE)
    return len(store_ids)


def fold_job(on_dropped: OnDropped) -> JobKind[Services]:
    """Return the kind of a store's job that folds what is due."""

    async def run(services: Services, job: Job) -> None:
        looked_at = _AT_ONCE
        while looked_at >= _AT_ONCE:
            result = FoldResult()

            async def write(tx: Transaction) -> None:
                nonlocal result
                await jobs.renew(tx, job, progressed=True)
                result = await fold(tx, job.store_id, services.clock())
                await notices.pass_on(tx, services.extensions.observers, job.store_id, result.notices)
                if result.looked_at < _AT_ONCE:
                    await jobs.finish(tx, job)

            await until_written(services.database, write)
            looked_at = result.looked_at
            _tell_dropped(job.store_id, result.dropped, on_dropped)

    return JobKind(KIND, _QUEUE, run, time_limit=600)


async def fold(tx: Transaction, store_id: int, now: datetime, limit: int = _AT_ONCE) -> FoldResult:
    """Fold receipts of the store that are due, and return what has become of each."""
    result = FoldResult()
    database_time: datetime = await tx.scalar(select(database_now(tx.dialect)))
    by_campaign: dict[UUID, list[WaitingReceipt]] = defaultdict(list)
    for receipt in await queries.due(tx, store_id, limit):
        if receipt.campaign_id is None:
            result.waiting.append(receipt)
        else:
            by_campaign[receipt.campaign_id].append(receipt)
    findings: list[FoldedDelivery] = []
    # In their order: two who fold, or end campaigns, wait for one another.
    for campaign_id in sorted(by_campaign):
        findings += await _fold_campaign(tx, store_id, campaign_id, by_campaign[campaign_id], result)
    await effects.record(tx, store_id, findings, now)
    result.notices = [notice for finding in findings for notice in _notices(store_id, finding)]
    overdue = database_time - PATIENCE
    result.dropped = [receipt for receipt in result.waiting if receipt.received_at < overdue]
    result.waiting = [receipt for receipt in result.waiting if receipt.received_at >= overdue]
    await queries.remove(tx, store_id, [*result.folded, *result.dropped])
    await queries.postpone(tx, store_id, result.waiting, database_time)
    return result


async def _fold_campaign(
    tx: Transaction, store_id: int, campaign_id: UUID, receipts: Sequence[WaitingReceipt], result: FoldResult
) -> list[FoldedDelivery]:
    campaign = await campaigns.lock(tx, store_id, campaign_id)
    by_customer: dict[int, list[WaitingReceipt]] = defaultdict(list)
    for receipt in receipts:
        by_customer[receipt.customer_id or 0].append(receipt)
    rows = {} if campaign is None else await proven.lock(tx, store_id, campaign_id, by_customer)
    findings: list[FoldedDelivery] = []
    changed: dict[int, ProvenDelivery] = {}
    for customer_id, told in by_customer.items():
        before = rows.get(customer_id)
        after = None if before is None else _proved(before, told)
        if before is None or after is None:
            result.waiting += told
            continue
        result.folded += told
        findings.append(FoldedDelivery(campaign_id, before, after, told))
        if after != before:
            changed[customer_id] = after
    if changed:
        await proven.write(tx, store_id, campaign_id, changed)
        await counts.recount_with(tx, store_id, campaign_id, changed)
        await campaigns.summarize(tx, store_id, campaign_id)
    return findings


def _notices(store_id: int, finding: FoldedDelivery) -> list[DeliveryNotice]:
    delivery = finding.before
    return [
        DeliveryNotice(
            store_id,
            finding.campaign_id,
            delivery.customer_id,
            receipt.channel,
            receipt.kind.lower(),
            receipt.at,
            _reason(receipt.reason, delivery.address),
        )
        for receipt in finding.receipts
    ]


def _proved(delivery: ProvenDelivery, receipts: Sequence[WaitingReceipt]) -> ProvenDelivery | None:
    proof = delivery.proof
    for receipt in receipts:
        proof = proof.with_receipt(receipt.kind, receipt.at, _reason(receipt.reason, delivery.address))
    return delivery.proved(proof, min(receipt.at for receipt in receipts))


def _reason(reason: str | None, address: str) -> str | None:
    return reason and without_address(reason, address)


def _tell_dropped(store_id: int, dropped: Sequence[WaitingReceipt], on_dropped: OnDropped) -> None:
    numbers: dict[str, int] = defaultdict(int)
    for receipt in dropped:
        numbers[receipt.channel] += 1
    for channel, number in numbers.items():
        log.warning("receipts_dropped", store=store_id, channel=channel, number=number)
        on_dropped(channel, number)
