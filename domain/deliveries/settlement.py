"""Settles what was interrupted, by what is known of it: by its worker, by a journal, or by nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta

from domain.deliveries import batches, evidence, notices, references
from domain.deliveries.batches import Interrupted
from domain.deliveries.mailing import Mailing, MailingSource, MailingState, MessageNames
from domain.deliveries.model import Batch, BatchKey, ClaimedDelivery, DeliveryResult, DeliveryStatus
from domain.deliveries.retry import NOT_BEGUN, result_of
from domain.kit import ids
from domain.kit.db import Database, Transaction
from domain.kit.db.faults import is_conflict, is_unavailable
from domain.services import Services
from domain.sessions.journal import Claim, Evidence, JournalDirectory
from domain.stores.channels import ChannelUnavailable

Results = Mapping[ClaimedDelivery, DeliveryResult]

_DIED = "Its worker died while sending"
_TOO_LATE = "It was not sent: its worker was cut off, and the batch was ended meanwhile"
_FIRST_DELAY = 0.2
_LAST_DELAY = 5.0
_MAX_RACES = 10


async def until_written(database: Database, write: Callable[[Transaction], Awaitable[None]]) -> None:
    """Run the transaction again and again until the database takes it: what is known is not forgotten."""
    delay, races = _FIRST_DELAY, 0
    while True:
        try:
            async with database.write() as tx:
                await write(tx)
        except Exception as error:
            races += is_conflict(error)
            if not is_unavailable(error) and (not is_conflict(error) or races > _MAX_RACES):
                raise
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LAST_DELAY)
        else:
            return


async def record(tx: Transaction, mailing: Mailing, batch: Batch, results: Results) -> None:
    """Write the results of attempts, and the names by which receipts find messages that were accepted."""
    await batches.record_outcomes(tx, batch, results)
    if mailing.names.by_provider_id:
        accepted = [claimed.customer_id for claimed, result in results.items() if result.provider_message_id]
        await references.add_provider_ids(tx, batch, mailing.channel, accepted)


async def settle(
    tx: Transaction, services: Services, source: MailingSource, mailing: Mailing, batch: Batch, results: Results
) -> None:
    """Record results of a claim that may be lost by now, and count the batch anew.

    What did not begin is sent by the job that has the batch now; where the batch was ended, it has failed.
    """
    closed = await source.lock(tx, mailing) is MailingState.CLOSED
    ended = not (await batches.recount(tx, batch)).pending
    if ended:
        results = {
            claimed: replace(result, status=DeliveryStatus.FAILED, error=_TOO_LATE, retry_in=None)
            if result.status is DeliveryStatus.PENDING
            else result
            for claimed, result in results.items()
        }
    await record(tx, mailing, batch, results)
    await batches.recount(tx, batch)
    if ended or closed:
        # No other claim may follow that would tell of what was sent.
        await evidence.record_sent(tx, batch, mailing.channel, services.clock())
        await notices.request(tx, services.extensions.observers, batch, mailing.channel)
    if ended:
        await source.note_correction(tx, mailing)


async def resolve_interrupted(
    tx: Transaction, journals: JournalDirectory, mailing: Mailing, batch: Batch, fence: int, *, idempotent: bool
) -> Collection[Claim]:
    """Resolve what earlier claims were sending, and return those claims, whose journals are done with then.

    By its journal a message has its outcome or never began. Of all others nothing is known: they may have been sent.
    They are unknown, or pending again where the provider knows messages by their keys.
    """
    rows = await batches.interrupted(tx, batch, fence)
    claims = {row.claimed.fence: claim_of(batch, row.claimed.fence) for row in rows}
    told = {fence: journals.revoke(claim) for fence, claim in claims.items()}
    results = {row.claimed: _result(batch, row, told[row.claimed.fence], idempotent=idempotent) for row in rows}
    await record(tx, mailing, batch, results)
    return claims.values()


async def recover(services: Services, source: MailingSource, claim: Claim) -> None:
    """Settle a claim by the journal that its dead process left on this machine, and delete the journal."""
    told = services.journals.revoke(claim)

    async def write(tx: Transaction) -> None:
        mailing = await source.load(tx, claim.store_id, claim.mailing_id)
        batch = await batches.by_key(tx, claim.store_id, BatchKey(claim.mailing_id, claim.number))
        if mailing is None or batch is None or told is None:
            return
        rows = await batches.in_doubt_of(tx, batch, claim.fence)
        if rows:
            mailing, idempotent = await with_channel(tx, services, mailing)
            results = {row.claimed: _result(batch, row, told, idempotent=idempotent) for row in rows}
            await settle(tx, services, source, mailing, batch, results)

    await until_written(services.database, write)
    services.journals.discard(claim)


async def restore(
    services: Services, source: MailingSource, claim: Claim, told: Evidence, *, again: bool = True
) -> int:
    """Write what a claim is known to have sent into a database that has lost it, and return how many that were.

    What began and has no outcome is in doubt: it is sent `again` where the provider knows its key.
    """
    async with services.database.write() as tx:
        mailing = await source.load(tx, claim.store_id, claim.mailing_id)
        batch = await batches.by_key(tx, claim.store_id, BatchKey(claim.mailing_id, claim.number))
        if mailing is None or batch is None:
            return 0
        mailing, is_idempotent = await with_channel(tx, services, mailing)
        idempotent = again and is_idempotent
        results = {
            ClaimedDelivery(row.claimed.customer_id, claim.fence): _result(batch, row, told, idempotent=idempotent)
            for row in await batches.open_before(tx, batch, claim.fence)
            if _is_lost(batch, row, claim, told)
        }
        if results:
            await settle(tx, services, source, mailing, batch, results)
    return len(results)


async def is_forgotten(tx: Transaction, source: MailingSource, claim: Claim, told: Evidence) -> bool:
    """Return whether the database has lost an intent of the claim: its journal has a message that it knows nothing of.

    An intent is committed before its message begins, and no later claim lowers a delivery's fence but for what did not.
    """
    if not told.begun and not told.outcomes:
        return False
    mailing = await source.load(tx, claim.store_id, claim.mailing_id)
    batch = await batches.by_key(tx, claim.store_id, BatchKey(claim.mailing_id, claim.number))
    if mailing is None or batch is None:
        # A campaign that was not launched has begun none.
        return mailing is not None
    return any(
        row.claimed.fence < claim.fence and _is_lost(batch, row, claim, told)
        for row in await batches.open_before(tx, batch, claim.fence)
    )


def _is_lost(batch: Batch, row: Interrupted, claim: Claim, told: Evidence) -> bool:
    """Return whether the claim has sent the message and the database does not know of it any more."""
    key = ids.delivery_key(batch.store_id, batch.mailing_id, row.claimed.customer_id)
    if row.claimed.fence == claim.fence:
        # Its intent is there: what is under way is not lost.
        return key in told.outcomes
    return told.has(key)


async def with_channel(tx: Transaction, services: Services, mailing: Mailing) -> tuple[Mailing, bool]:
    """Return the mailing as its channel's plugin has it, and whether the provider knows messages by their keys."""
    try:
        configured = await services.channels.find(tx, mailing.store.id, mailing.channel)
    except ChannelUnavailable:
        configured = None
    if configured is None:
        # Nothing is known of it: a name too many does no harm.
        return replace(mailing, names=MessageNames(by_provider_id=True)), False
    named = replace(mailing, names=MessageNames.of(configured.channel))
    return named, configured.channel.capabilities.idempotent


def _result(batch: Batch, row: Interrupted, told: Evidence | None, *, idempotent: bool) -> DeliveryResult:
    key = ids.delivery_key(batch.store_id, batch.mailing_id, row.claimed.customer_id)
    if told is not None and told.never_began(key):
        return NOT_BEGUN
    outcome = None if told is None else told.outcomes.get(key)
    if outcome is not None:
        return result_of(outcome, row.attempts, idempotent=idempotent)
    if idempotent:
        # Its death was the worker's, not the message's: whatever the number of attempts, the key makes another safe.
        return DeliveryResult(DeliveryStatus.PENDING, error=_DIED, retry_in=timedelta(), in_doubt=True)
    return DeliveryResult(DeliveryStatus.UNKNOWN, error=_DIED)


def claim_of(batch: Batch, fence: int) -> Claim:
    """Return the batch's claim of this fence, as journals name it."""
    return Claim(batch.store_id, batch.mailing_id, batch.number, fence)
