"""Twenty equal mutations at once: each is answered by success or a user error, and what they do is done once."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from graphql import build_schema
from sqlalchemy import ColumnElement, FromClause, func, insert, select, text

from domain.campaigns.tables import campaigns
from domain.channels.tables import channel_authorizations, channel_syncs
from domain.customers.tables import contacts, customer_properties, customer_tags, customers, property_definitions
from domain.events.tables import event_counters, events
from domain.jobs.tables import jobs
from domain.kit import ids
from domain.kit.db import Database, Transaction
from domain.lifecycle.tables import lifecycles
from domain.operations.tables import operations
from domain.orders.tables import order_statuses, orders
from domain.segments.model import copy_names
from domain.segments.tables import lists, segment_members, segments, value_ranks
from domain.stores.tables import api_tokens, channel_installations, idempotency_keys
from tests.api.graphql.mutation_calls import CALLS, UPLOADS, prepare
from tests.api.graphql.stage import StoreClient

TIMES = 20
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@dataclass(frozen=True)
class Outcome:
    """How many of the calls succeed, the code of the others, and how many rows there are then, of each condition."""

    rows: Sequence[tuple[FromClause, ColumnElement[bool] | None, int]] = ()
    successes: int = TIMES
    code: str | None = None


def once(code: str, *rows: tuple[FromClause, ColumnElement[bool] | None, int]) -> Outcome:
    return Outcome(rows, 1, code)


def each(*rows: tuple[FromClause, ColumnElement[bool] | None, int]) -> Outcome:
    return Outcome(rows)


OUTCOMES: Mapping[str, Outcome] = {
    "apiTokenCreate": each((api_tokens, api_tokens.c.name == "The till", TIMES)),
    "apiTokenRevoke": once("NOT_FOUND", (api_tokens, api_tokens.c.revoked_at.is_not(None), 1)),
    "campaignCreate": each((campaigns, None, TIMES)),
    "campaignSend": each((idempotency_keys, None, 1), (jobs, jobs.c.kind == "campaign.launch", 1)),
    "campaignUpdate": each((campaigns, campaigns.c.name == "August", 1)),
    "channelConfigure": each((channel_installations, None, 1)),
    "channelConnect": each((channel_authorizations, None, TIMES)),
    "channelInstall": each((channel_installations, None, 1)),
    "channelSync": each((channel_syncs, None, 1), (jobs, jobs.c.kind == "channel.sync", 1)),
    "channelTest": each(),
    "consentUpdate": each((contacts, contacts.c.consent == "UNSUBSCRIBED", 1)),
    "customerBlacklist": each((customers, customers.c.blacklisted, 1), (events, events.c.type == "blacklisted", 1)),
    "customerDelete": each((customers, customers.c.deleted_at.is_not(None), 1), (customer_tags, None, 0)),
    "customerTagsAdd": each((customer_tags, None, 4)),
    "customerTagsRemove": each((customer_tags, None, 0), (events, events.c.type == "tag.removed", 2)),
    "customerUpsert": each((customers, None, 1), (customer_tags, None, 1)),
    "customersUpsert": each((customers, None, 2)),
    "customersImport": each((operations, None, TIMES), (jobs, None, TIMES)),
    "eventsTrack": each(
        (customers, None, 2), (events, None, 1), (event_counters, event_counters.c.count == 1, 1), (orders, None, 1)
    ),
    "lifecycleUpdate": each((lifecycles, lifecycles.c.active_days == 10, 1)),
    "listDelete": once("NOT_FOUND", (lists, None, 1), (jobs, jobs.c.kind == "list.erase", 1)),
    "customerDataExport": each((operations, operations.c.kind == "customer.export", TIMES)),
    "listExport": each((operations, operations.c.kind == "list.export", TIMES)),
    "listRename": each((lists, lists.c.name == "Renamed", 1)),
    "operationCancel": once("INVALID_STATE", (operations, operations.c.status == "CANCELLED", 1)),
    "eventsImport": each((operations, None, TIMES), (jobs, None, TIMES)),
    "orderStatusesClassify": each((order_statuses, None, 1), (operations, operations.c.kind == "orders.recount", 1)),
    "ordersImport": each((operations, None, TIMES), (jobs, None, TIMES)),
    "propertyDefinitionCreate": once("TAKEN", (property_definitions, None, 1)),
    "propertyDefinitionDelete": once("NOT_FOUND", (property_definitions, None, 0)),
    "segmentActivate": each((segments, segments.c.active, 1)),
    "segmentCreate": once("TAKEN", (segments, None, 1), (lists, None, 1), (jobs, jobs.c.kind == "list.build", 1)),
    "segmentDeactivate": each((segments, segments.c.active, 0)),
    "segmentDelete": once("NOT_FOUND", (segments, None, 0), (lists, None, 0), (jobs, jobs.c.kind == "list.erase", 2)),
    "segmentDuplicate": each((segments, None, 1 + TIMES), (lists, None, 1 + TIMES)),
    "segmentMembersAdd": each((segment_members, None, 1)),
    "segmentMembersRemove": each((segment_members, None, 0)),
    "segmentRefresh": once("INVALID_STATE", (lists, None, 2), (jobs, jobs.c.kind == "list.build", 1)),
    "segmentUpdate": each((segments, segments.c.name == "Renamed", 1)),
    "storeUpdate": each(),
    "valueRanksSet": each((value_ranks, None, 3)),
}


def test_every_mutation_is_here() -> None:
    schema = build_schema((Path(__file__).parents[3] / "schema.graphql").read_text())
    assert schema.mutation_type is not None
    assert set(schema.mutation_type.fields) == set(OUTCOMES) == {*CALLS, *UPLOADS}


@pytest.mark.slow
@pytest.mark.parametrize("name", OUTCOMES)
async def test_equal_mutations_at_once(store: StoreClient, name: str) -> None:
    outcome = OUTCOMES[name]
    call = await prepare(store, name)
    answers = await asyncio.gather(*(call.errors() for _ in range(TIMES)))
    codes = Counter(error["code"] for errors in answers for error in errors)
    assert sum(not errors for errors in answers) == outcome.successes, codes
    assert set(codes) == ({outcome.code} if outcome.code else set())
    async with store.stage.runtime.database.read() as tx:
        for table, condition, count in outcome.rows:
            assert await rows_of(tx, table, condition) == count, (table, condition)


async def test_no_value_stays_of_a_property_that_is_deleted_meanwhile(store: StoreClient) -> None:
    await prepare(store, "propertyDefinitionDelete")
    writes = 'mutation { customerUpsert(input: {externalId: "%s", properties: [{key: "colour", value: "red"}]}) %s }'
    deletes = 'mutation { propertyDefinitionDelete(key: "colour") { userErrors { code } } }'
    answer = "{ userErrors { code } }"
    replies = await asyncio.gather(
        *(store.ask(writes % (f"before{number}", answer)) for number in range(TIMES // 2)),
        store.ask(deletes),
        *(store.ask(writes % (f"after{number}", answer)) for number in range(TIMES // 2)),
    )
    assert all(reply.data for reply in replies)
    async with store.stage.runtime.database.read() as tx:
        assert await rows_of(tx, property_definitions, None) == 0
        assert await rows_of(tx, customer_properties, None) == 0


async def test_a_proposed_name_that_another_takes_meanwhile_is_not_the_callers_fault(
    database: Database, store: StoreClient
) -> None:
    call = await prepare(store, "segmentDuplicate")
    async with database.write() as tx:
        original = dict((await tx.execute(select(segments))).mappings().one())
        proposed = next(copy_names(original["name"]))
        await tx.execute(insert(segments).values(original | {"id": ids.new(), "name": proposed}))
        duplicating = asyncio.create_task(call.errors())
        if tx.dialect == "postgresql":
            while not await tx.scalar(WAITING):  # noqa: ASYNC110 - PostgreSQL tells by this alone
                await asyncio.sleep(0.01)
    assert await duplicating == []
    async with database.read() as tx:
        names = set((await tx.execute(select(segments.c.name))).scalars())
        assert await rows_of(tx, lists, None) == 2
    assert len(names) == 3
    assert {original["name"], proposed} < names


async def rows_of(tx: Transaction, table: FromClause, condition: ColumnElement[bool] | None) -> int:
    statement = select(func.count()).select_from(table)
    count: int = await tx.scalar(statement if condition is None else statement.where(condition))
    return count
