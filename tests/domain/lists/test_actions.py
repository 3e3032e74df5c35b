"""Lists as workers make them, and as they go."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from muster_sdk import AddressKind
from sqlalchemy import delete, func, select, text, update

from domain import jobs
from domain.customers.tables import customers
from domain.extensions import NO_EXTENSIONS
from domain.jobs import Job, LeaseLost
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from domain.kit.errors import DomainError, ErrorCode
from domain.lists import actions, build, queries
from domain.lists.build import ListBuild
from domain.lists.model import CustomerList, ListStatus, check_usable, list_name
from domain.lists.tables import list_members, lists
from domain.operations import queries as operations
from domain.operations.model import Operation, OperationStatus
from domain.segments import queries as segments
from domain.segments.evaluation.resolve import catalogue
from domain.segments.model import InUse, Segment, SegmentInput, SegmentKind
from domain.segments.tables import segment_members
from domain.segments.validation import FilterContext
from domain.stores.model import Limits, Store
from tests.domain.segments.stored_people import NOW, TIMEZONE, Person, make_people, store_people
from tests.fakes import make_services

EVERYONE = make_people()
VIPS = sorted(
    person.id
    for person in EVERYONE
    if "VIP" in person.tags and person.row["deleted_at"] is None and not person.row["blacklisted"]
)


@dataclass
class StoreStage:
    database: Database
    context: FilterContext

    @property
    def id(self) -> int:
        return self.context.store.id

    async def create(self, name: str = "G", **given: object) -> tuple[Segment, ListBuild]:
        fields = {"query": 'tag = "VIP"', **given}
        async with self.database.write() as tx:
            created = await actions.create_segment(tx, self.context, SegmentInput(name=name, **fields))  # type: ignore[arg-type]
            return created.segment, created.build

    async def refresh(self, segment: Segment, now: datetime) -> ListBuild:
        async with self.database.write() as tx:
            return await build.request_list(tx, segment, now)

    async def claim(self) -> Job:
        async with self.database.write() as tx:
            notice = (await jobs.due(tx, 1))[0]
            job = await jobs.claim(tx, notice.store_id, notice.job_id, "worker", 60)
        assert job is not None
        return job

    async def work(self) -> None:
        """Does every job that is due."""
        while await self.due():
            job = await self.claim()
            await (self.build(job) if job.kind == build.BUILD.name else build.erase_members(self.database, job))

    async def due(self) -> int:
        async with self.database.read() as tx:
            return len(await jobs.due(tx, 100))

    async def build(self, job: Job) -> None:
        await build.build(make_services(self.database, clock=lambda: self.context.now), job)

    async def listed(self, making: ListBuild) -> CustomerList:
        async with self.database.read() as tx:
            listed = await queries.by_id(tx, self.id, making.listed.id)
        assert listed is not None
        return listed

    async def operation(self, making: ListBuild) -> Operation:
        async with self.database.read() as tx:
            operation = await operations.by_id(tx, self.id, making.operation.id)
        assert operation is not None
        return operation

    async def members(self, making: ListBuild) -> list[int]:
        on_it = (list_members.c.store_id == self.id, list_members.c.list_id == making.listed.id)
        async with self.database.read() as tx:
            return sorted((await tx.execute(select(list_members.c.customer_id).where(*on_it))).scalars())


@pytest.fixture
async def store(database: Database, store_id: int) -> StoreStage:
    async with database.write() as tx:
        await store_people(tx, store_id, EVERYONE)
        known = await catalogue(tx, store_id, {"email": "E-mail"}, NO_EXTENSIONS)
    return StoreStage(
        database,
        FilterContext(
            Store(store_id, "Shop", TIMEZONE, "TWD", Limits(10_000, 5)), known, NOW, extensions=NO_EXTENSIONS
        ),
    )


async def test_a_new_segment_gets_its_first_list_from_a_worker(store: StoreStage) -> None:
    """A1: creating makes list 1 at once, with the segment's name."""
    segment, making = await store.create()
    assert await store.listed(making) == making.listed
    assert (making.listed.name, making.listed.number, making.listed.status) == ("G", 1, ListStatus.GENERATING)
    assert (await store.operation(making)).status is OperationStatus.QUEUED
    await store.work()
    ready = replace(making.listed, status=ListStatus.READY, count=len(VIPS))
    assert await store.listed(making) == ready
    assert await store.members(making) == VIPS
    done = await store.operation(making)
    assert (done.status, done.done, done.total) == (OperationStatus.DONE, len(VIPS), len(VIPS))
    async with store.database.read() as tx:
        stored = await segments.by_id(tx, store.id, segment.id)
    assert stored is not None
    assert stored.last_refreshed_at == NOW


async def test_a_list_never_changes(store: StoreStage) -> None:
    segment, first = await store.create()
    await store.work()
    async with store.database.write() as tx:
        await tx.execute(text("DELETE FROM customer_tags WHERE customer_id = :id"), {"id": VIPS[0]})
    second = await store.refresh(segment, NOW + timedelta(days=7))
    await store.work()
    assert await store.members(first) == VIPS
    assert await store.members(second) == VIPS[1:]


async def test_later_lists_are_numbered_behind_the_original_name(store: StoreStage) -> None:
    """SL-15, whatever the segment is renamed to."""
    segment, first = await store.create("G" * 50)
    second = await store.refresh(replace(segment, name="Renamed"), NOW)
    assert second.listed.name == "G" * 50 + "-2"
    assert list_name("G", 3) == "G-3"
    await store.work()
    assert ((await store.listed(first)).latest, (await store.listed(second)).latest) == (False, True)


async def test_a_static_segments_list_holds_its_members(store: StoreStage) -> None:
    _, making = await store.create(kind=SegmentKind.STATIC, query=None, customer_ids=VIPS[:3])
    await store.work()
    assert await store.members(making) == VIPS[:3]


async def test_what_a_worker_without_the_lease_makes_is_not_kept(store: StoreStage) -> None:
    _, making = await store.create()
    slow = await store.claim()
    async with store.database.write() as tx:
        await tx.execute(update(job_rows).values(lease_until=NOW - timedelta(days=9)))
    quick = await store.claim()
    with pytest.raises(LeaseLost):
        await store.build(slow)
    assert await store.members(making) == []
    assert (await store.listed(making)).status is ListStatus.GENERATING
    await store.build(quick)
    with pytest.raises(LeaseLost):
        await store.build(slow)
    assert await store.members(making) == VIPS
    assert (await store.operation(making)).status is OperationStatus.DONE


async def test_members_are_not_kept_when_the_lease_is_lost_on_the_way(store: StoreStage) -> None:
    _, making = await store.create()
    job = await store.claim()

    def lose_it() -> datetime:
        # Read just before the members are found: from here on the claim is an older one.
        object.__setattr__(job, "fence", job.fence - 1)
        return NOW

    with pytest.raises(LeaseLost):
        await build.build(make_services(store.database, clock=lose_it), job)
    assert await store.members(making) == []
    assert (await store.listed(making)).status is ListStatus.GENERATING


async def test_a_list_that_cannot_be_made_says_why(store: StoreStage) -> None:
    inner, _ = await store.create("Inner")
    _, making = await store.create(query=f'NOT in segment "{inner.id}"')
    async with store.database.write() as tx:
        with pytest.raises(InUse, match='in use by the filter of "'):
            await actions.delete_segment(tx, store.id, inner.id)
        # As an older version would have.
        await queries.remove_lists_of(tx, store.id, inner.id)
        await segments.remove(tx, store.id, inner.id)
    await store.work()
    failed = await store.listed(making)
    assert (failed.status, failed.count, failed.latest) == (ListStatus.FAILED, 0, False)
    assert failed.problem == "The filter refers to a segment or a list that no longer exists"
    assert (await store.operation(making)).status is OperationStatus.FAILED
    assert await store.members(making) == []
    async with store.database.read() as tx:
        problems = await operations.problems_of(tx, store.id, [making.operation.id])
    assert [problem.message for problem in problems[making.operation.id]] == [failed.problem]


async def test_a_list_whose_workers_die_is_given_up(store: StoreStage) -> None:
    _, making = await store.create()
    job = await store.claim()
    async with store.database.write() as tx:
        await build.give_up(tx, make_services(store.database), job)
    assert (await store.listed(making)).status is ListStatus.FAILED
    assert (await store.operation(making)).status is OperationStatus.FAILED


async def test_a_deleted_segment_takes_its_lists_and_their_members_along(store: StoreStage) -> None:
    """SL-02, SL-03 and vector 3."""
    segment, _ = await store.create(kind=SegmentKind.STATIC, query="tag is set")
    await store.work()
    _, other = await store.create("Other")
    await store.work()
    async with store.database.write() as tx:
        await actions.delete_segment(tx, store.id, segment.id)
    async with store.database.read() as tx:
        assert await segments.by_id(tx, store.id, segment.id) is None
        assert await queries.latest(tx, store.id, segment.id) is None
    await store.work()
    async with store.database.read() as tx:
        ours = (segment_members.c.store_id == store.id, segment_members.c.segment_id == segment.id)
        assert await tx.scalar(select(func.count()).select_from(segment_members).where(*ours)) == 0
        list_ids = await tx.execute(
            select(list_members.c.list_id).distinct().where(list_members.c.store_id == store.id)
        )
        assert set(list_ids.scalars()) == {other.listed.id, UUID(int=3)}
    assert await store.members(other) == VIPS


async def test_members_are_removed_a_few_at_a_time(store: StoreStage) -> None:
    _, making = await store.create(query="EVERYONE EXCLUDE NOBODY")
    await store.work()
    total = (await store.listed(making)).count
    removed: list[int] = []
    while not removed or removed[-1]:
        async with store.database.write() as tx:
            removed.append(await queries.erase_members(tx, store.id, making.listed.id, 20))
    assert removed == [20, 20, total - 40, 0]


async def test_a_segment_deleted_while_its_list_is_made_ends_the_operation(store: StoreStage) -> None:
    segment, making = await store.create()
    job = await store.claim()
    async with store.database.write() as tx:
        await actions.delete_segment(tx, store.id, segment.id)
    await store.build(job)
    assert (await store.operation(making)).status is OperationStatus.CANCELLED
    assert await store.members(making) == []


async def test_a_list_is_valid_for_180_days(store: StoreStage) -> None:
    """SL-18, A2 and vector 4."""
    _, making = await store.create()
    with pytest.raises(DomainError) as unready:
        check_usable(making.listed, NOW)
    assert unready.value.code is ErrorCode.INVALID_STATE
    await store.work()
    ready = await store.listed(making)
    last = NOW + timedelta(days=180)
    check_usable(ready, last)
    with pytest.raises(DomainError) as caught:
        check_usable(ready, last + timedelta(microseconds=1))
    assert caught.value.code is ErrorCode.EXPIRED
    assert await offered(store, last) == {ready.id}
    assert await offered(store, last + timedelta(days=1)) == set()


async def offered(store: StoreStage, now: datetime, **how: object) -> set[UUID]:
    statement = queries.offered(store.id, now, **how)  # type: ignore[arg-type]
    async with store.database.write() as tx:
        await tx.execute(delete(lists).where(lists.c.id == UUID(int=3)))
        return {queries.customer_list(row).id for row in await tx.execute(statement)}


async def test_the_latest_list_that_is_ready_is_offered(store: StoreStage) -> None:
    """A5: older ones on demand; one that is being made, or has failed, never."""
    segment, first = await store.create()
    await store.work()
    second = await store.refresh(segment, NOW)
    ids = [first.listed.id, second.listed.id]
    assert await offered(store, NOW) == {ids[0]}
    async with store.database.read() as tx:
        assert (await queries.latest_of(tx, store.id, [segment.id]))[segment.id].id == ids[1]
        ready = await queries.latest(tx, store.id, segment.id)
        assert ready is not None
        assert ready.id == ids[0]
        assert await queries.counts(tx, store.id, [segment.id, ids[0]]) == {segment.id: 2, ids[0]: 0}
    await store.work()
    assert await offered(store, NOW) == {ids[1]}
    assert await offered(store, NOW, latest_only=False, search="g", segment_id=segment.id) == set(ids)
    async with store.database.write() as tx:
        await tx.execute(update(lists).where(lists.c.id == ids[1]).values(status="FAILED"))
    assert await offered(store, NOW) == {ids[0]}


def is_reached_by_email(person: Person) -> bool:
    contact = person.contacts.get("email")
    if contact is None:
        return person.row["email"] is not None
    return (contact.address or person.row["email"]) is not None and not contact.invalid


async def test_reach_leaves_out_members_who_were_deleted_since(store: StoreStage) -> None:
    _, making = await store.create()
    await store.work()
    with_email = [person.id for person in EVERYONE if person.id in VIPS and is_reached_by_email(person)]
    async with store.database.write() as tx:
        first = (customers.c.store_id == store.id, customers.c.id == with_email[0])
        await tx.execute(update(customers).where(*first).values(deleted_at=NOW))
        reached = await queries.reach(tx, store.id, [making.listed.id], {"email": AddressKind.EMAIL})
    [reach] = reached[making.listed.id]
    consents = {person.id: person.consents.get("email") for person in EVERYONE}
    assert reach.reachable == len(with_email) - 1
    assert reach.accepting == sum(consents[customer_id] == "SUBSCRIBED" for customer_id in with_email[1:])
