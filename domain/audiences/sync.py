"""Hands the latest lists of a store over to a provider that keeps audiences of its own.

Each page is stored when the provider has it, so that a worker that takes the job over goes on behind it.
"""

from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from muster_sdk import AudienceMember, Capabilities, ContentInvalid, KeptAudience, Unreachable
from sqlalchemy import func, select

from domain import jobs
from domain.channels import syncs
from domain.channels.calls import call_channel, context_of
from domain.channels.syncs import SyncedList
from domain.deliveries.audience import Audience, members_with_reasons
from domain.deliveries.model import AcceptMarketing
from domain.deliveries.template_variables import template_variables
from domain.jobs import Job, JobKind
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.lists import queries as lists
from domain.operations.model import OperationStatus
from domain.services import Services
from domain.sessions import calls
from domain.sessions.session import ChannelBroken
from domain.stores import queries as stores
from domain.stores.channels import ChannelUnavailable

_PAGE = 1_000
_LONGEST_ID = 200
_UNREACHABLE_SECONDS = 30
# After so long a sync makes way for other jobs.
_TURN_SECONDS = 300.0


async def request(tx: Transaction, services: Services, store_id: int, key: str) -> None:
    """Have all latest lists handed over. Raise ChannelUnavailable."""
    await context_of(tx, services, store_id, key)
    await syncs.request(tx, store_id, key, again=True)


async def sync(services: Services, job: Job) -> None:
    """Hand over what is to be, for a while, and end the job or give it back. Raise LeaseLost, ChannelBroken."""
    store_id, key = job.store_id, str(job.payload["channel"])
    capabilities = services.channels.capabilities.get(key)
    try:
        async with services.database.read() as tx:
            await context_of(tx, services, store_id, key)
        if capabilities is None or not capabilities.audience_sync:
            raise ChannelUnavailable(f"The channel {key!r} keeps no audiences")
        await _Sync(services, job, key, capabilities).run()
    except Unreachable as error:
        async with services.database.write() as tx:
            await syncs.note(tx, store_id, key, problem=error.reason)
            await jobs.release(tx, job, delay=_UNREACHABLE_SECONDS, error=error.reason)
    except (ContentInvalid, DomainError) as error:
        async with services.database.write() as tx:
            await _fail(tx, job, str(error))
            await jobs.finish(tx, job)
    except ChannelBroken as error:
        async with services.database.write() as tx:
            await syncs.note(tx, store_id, key, problem=str(error))
        raise


async def give_up(tx: Transaction, services: Services, job: Job) -> None:  # noqa: ARG001 - as every kind of job has it
    """Record that the sync killed its workers again and again."""
    await _fail(tx, job, "It was given up: its workers died")


async def _fail(tx: Transaction, job: Job, problem: str) -> None:
    key = str(job.payload["channel"])
    await syncs.note(tx, job.store_id, key, status=OperationStatus.FAILED.value, problem=problem)


SYNC = JobKind(syncs.SYNC, syncs.QUEUE, sync, give_up)


@dataclass(frozen=True, slots=True)
class _Sync:
    services: Services
    job: Job
    key: str
    capabilities: Capabilities

    async def run(self) -> None:
        turn_ends_at = monotonic() + _TURN_SECONDS
        while (listed := await self._next()) is not None:
            if monotonic() >= turn_ends_at:
                async with self.services.database.write() as tx:
                    await jobs.release(tx, self.job, delay=0)
                return
            if listed.provider_id is None:
                await self._open(listed)
            else:
                await self._hand_over_page(listed)

    async def _next(self) -> SyncedList | None:
        """Return the list that is to be handed over next; None when all are, and the job has ended."""
        store_id = self.job.store_id
        async with self.services.database.write() as tx:
            await jobs.renew(tx, self.job, progressed=True)
            await syncs.lock(tx, store_id, self.key)
            latest = await lists.latest_ready(tx, store_id)
            kept = await syncs.plan(tx, store_id, self.key, latest)
            waiting = [listed for listed in kept.values() if listed.synced_at is None]
            if waiting:
                # One that was begun is ended first.
                listed = max(waiting, key=lambda listed: (listed.provider_id is not None, listed.list_id))
                done = await syncs.count_done(tx, store_id, self.key)
                done += await self._passed(tx, listed)
                running = OperationStatus.RUNNING.value
                await syncs.note(tx, store_id, self.key, status=running, done=done, total=sum(latest.values()))
                return listed
            total = sum(latest.values())
            now = self.services.clock()
            ended = {"status": OperationStatus.DONE.value, "done": total, "total": total, "last_synced_at": now}
            await syncs.note(tx, store_id, self.key, problem=None, **ended)
            await jobs.finish(tx, self.job)
        return None

    async def _passed(self, tx: Transaction, listed: SyncedList) -> int:
        if not listed.position:
            return 0
        return await lists.count_members_to(tx, self.job.store_id, listed.list_id, listed.position)

    async def _open(self, listed: SyncedList) -> None:
        async with self.services.database.read() as tx:
            found = await lists.by_id(tx, self.job.store_id, listed.list_id)
            if found is None:
                return
            members = members_with_reasons(self._audience(listed.list_id), tx.dialect)
            size = await tx.scalar(select(func.count()).select_from(members).where(members.c.reason.is_(None)))

        async def record(tx: Transaction, provider_id: str) -> None:
            if not 0 < len(provider_id) <= _LONGEST_ID or "\0" in provider_id:
                what = f"an ID that has not 1 to {_LONGEST_ID} characters"
                raise ChannelBroken(f"The channel {self.key} answered open_audience with {what}")
            await self._advance(tx, listed, provider_id=provider_id)

        audience = KeptAudience(listed.list_id, found.name, size)
        await call_channel(self.services, self.job.store_id, self.key, calls.open_audience(audience), record)

    async def _hand_over_page(self, listed: SyncedList) -> None:
        assert listed.provider_id is not None
        store_id = self.job.store_id
        limit = max(1, min(self.capabilities.max_batch, _PAGE))
        async with self.services.database.read() as tx:
            customer_ids = await lists.members_after(tx, store_id, listed.list_id, listed.position, limit)
            members = await self._members(tx, listed, customer_ids[-1]) if customer_ids else []

        async def record(tx: Transaction, _: None) -> None:
            if customer_ids:
                contacts = listed.contacts + len(members)
                await self._advance(tx, listed, position=customer_ids[-1], contacts=contacts)
            else:
                await self._advance(tx, listed, synced_at=self.services.clock())

        if customer_ids and not members:
            async with self.services.database.write() as tx:
                await record(tx, None)
            return
        call = calls.add_members(listed.provider_id, members) if members else calls.close_audience(listed.provider_id)
        await call_channel(self.services, store_id, self.key, call, record)

    async def _members(self, tx: Transaction, listed: SyncedList, last: int) -> list[AudienceMember]:
        """Return the members of the page who may be written to."""
        page = members_with_reasons(self._audience(listed.list_id), tx.dialect, (listed.position, last))
        may_be = select(page.c.customer_id, page.c.address).where(page.c.reason.is_(None))
        addresses = {row.customer_id: row.address for row in await tx.execute(may_be.order_by(page.c.customer_id))}
        store = await stores.by_id(tx, self.job.store_id)
        assert store is not None
        variables = await template_variables(tx, store, list(addresses))
        return [AudienceMember(address, variables[customer]) for customer, address in addresses.items()]

    def _audience(self, list_id: UUID) -> Audience:
        """Return whom the provider may know of: those who have subscribed, and nobody else (SP-08)."""
        address = self.services.channels.addresses[self.key]
        return Audience(self.job.store_id, list_id, self.key, address, AcceptMarketing.ACCEPTED_ONLY)

    async def _advance(self, tx: Transaction, listed: SyncedList, **values: object) -> None:
        await jobs.renew(tx, self.job, progressed=True)
        await syncs.advance(tx, self.job.store_id, self.key, listed, **values)
        await syncs.note(tx, self.job.store_id, self.key, problem=None)
