"""Erasing: messages that are under way leave nothing behind, long histories go in batches, and no table is scanned."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from muster_sdk import Accepted, Message, Outcome, Rejected, Report, TryAgain
from sqlalchemy import event, func, select

from domain import jobs
from domain.customers.model import CustomerChange
from domain.customers.upsert import upsert
from domain.deliveries import batches
from domain.deliveries.tables import deliveries, sandbox_messages
from domain.events import log
from domain.events.counters import mismatches
from domain.events.model import Event
from domain.events.tables import event_customers, events
from domain.jobs import Job
from domain.kit.db import Database
from domain.operations import queries as operations
from domain.operations.tables import operations as operation_rows
from domain.privacy import erasure
from domain.sessions import outcomes
from tests.domain.deliveries.stage import make_notice
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY, RecordingChannel, make_services

LARGE = tuple(
    """
    contacts customer_addresses customer_coupons customer_facts customer_favourites customer_properties customer_scores
    customer_tags customers deliveries event_counters event_customers events list_members operation_problems
    order_customers order_item_facets order_items orders sandbox_messages segment_members segment_memberships
    wallet_changes wallet_lots
    """.split()  # noqa: SIM905 - the names would take a line each
)


async def nothing() -> None:
    """While messages are under way, nothing happens."""


@dataclass
class SlowChannel(RecordingChannel):
    """Something else happens between a message's begin and its end."""

    meanwhile: Callable[[], Awaitable[None]] = field(default=nothing)

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        for message in messages:
            assert report.begin(message)
        await self.meanwhile()
        for message in messages:
            report.end(message, self.answer(message))


async def erase(database: Database, store_id: int, customer_id: int) -> Job:
    """Erase who it was, and return the job that erases the rest."""
    async with database.write() as tx:
        await erasure.erase(tx, SUPPRESSION_KEY, store_id, customer_id, NOW)
    async with database.read() as tx:
        [notice] = await jobs.due(tx, 10)
    async with database.write() as tx:
        job = await jobs.claim(tx, store_id, notice.job_id, "worker")
    assert job is not None
    return job


@pytest.mark.parametrize("answer", [Rejected("550 no mailbox of Ann"), TryAgain("451 Ann is busy"), Accepted("ann-1")])
async def test_an_answer_that_comes_after_the_erasure_names_nobody(
    database: Database, store_id: int, answer: Outcome
) -> None:
    notice = await make_notice(database, store_id, customers=2)
    job = await notice.claim(await notice.add_job())

    async def erase_first() -> None:
        await erasure.run(make_services(database), await erase(database, store_id, 1))

    notice.channel = SlowChannel(answer=lambda _: answer, meanwhile=erase_first)
    await notice.deliver(job)
    rows = await notice.rows()
    assert (rows[1].address, rows[1].error, rows[1].provider_message_id) == ("", None, None)
    assert rows[1].status == rows[2].status
    assert (rows[2].error, rows[2].provider_message_id) != (None, None)
    # One that is tried again is left out: the customer is deleted.
    if isinstance(answer, TryAgain):
        async with database.write() as tx:
            await tx.execute(deliveries.update().values(not_before=None))
        await notice.deliver()
        assert (await notice.statuses())[1] == "SKIPPED"


async def test_a_sandbox_keeps_no_message_of_who_was_erased(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, customers=2)
    batch = await notice.batch()
    await erasure.run(make_services(database), await erase(database, store_id, 1))
    async with database.write() as tx:
        await batches.store_messages(tx, batch, {number: {"text": f"Hi {number}"} for number in (1, 2)})
        assert (await tx.execute(select(sandbox_messages.c.customer_id))).scalars().all() == [2]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("550 <Ann@Shop.example>: no such user", "550 <the address>: no such user"),
        ("ann@shop.example is ann@shop.example", "the address is the address"),
        ("452 too many recipients", "452 too many recipients"),
    ],
)
def test_what_is_kept_of_an_answer_does_not_quote_the_recipient(reason: str, expected: str) -> None:
    assert outcomes.without(TryAgain(reason), "ann@shop.example") == TryAgain(expected)
    assert outcomes.without(Accepted("ann@shop.example"), "ann@shop.example") == Accepted("ann@shop.example")


async def test_a_long_history_goes_in_batches(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "EVENTS_AT_ONCE", 10)
    async with database.write() as tx:
        ids = [(await upsert(tx, store_id, CustomerChange(external_id=name), NOW))[0].id for name in ("a", "b")]
        history = [Event(f"{number}-{index}", number, "visit", NOW) for number in ids for index in range(25)]
        await log.append(tx, store_id, history, NOW)
    job = await erase(database, store_id, ids[0])
    await erasure.run(make_services(database), job)
    async with database.read() as tx:
        for table in (events, event_customers):
            counted = await tx.execute(select(table.c.customer_id, func.count()).group_by(table.c.customer_id))
            assert [tuple(row) for row in counted] == [(ids[1], 25)]
        assert await mismatches(tx, store_id) == []
        assert await tx.scalar(select(operation_rows.c.status)) == "DONE"


async def test_an_erasure_that_kills_its_workers_says_so(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        customer, _ = await upsert(tx, store_id, CustomerChange(external_id="a"), NOW)
    job = await erase(database, store_id, customer.id)
    async with database.write() as tx:
        await erasure.give_up(tx, make_services(database), job)
        [operation] = await operations.by_ids(tx, store_id, [await tx.scalar(select(operation_rows.c.id))])
        problems = (await operations.problems_of(tx, store_id, [operation.id]))[operation.id]
    assert (operation.status, [problem.message for problem in problems]) == (
        "FAILED", ["The erasure was given up, for workers died: delete the customer once more"]
    )  # fmt: skip


async def test_no_table_of_customers_is_read_from_end_to_end(database: Database, store_id: int) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL reads small tables as a whole, whatever indexes they have")
    notice = await make_notice(database, store_id, customers=2)
    await notice.deliver()
    statements: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_rest: Any) -> None:
        statements[sql] = parameters

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    await erasure.run(make_services(database), await erase(database, store_id, 1))
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    assert len(statements) > 40
    scans: list[str] = []
    async with database.read() as tx:
        for sql, parameters in statements.items():
            if sql.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
                values = parameters[0] if parameters and isinstance(parameters[0], (tuple, list)) else parameters
                explained = await tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", tuple(values))
                plan = [str(step) for step in explained.scalars("detail")]
                scans += [f"{step}: {sql}" for step in plan if step.startswith(tuple(f"SCAN {name}" for name in LARGE))]
    assert scans == []
