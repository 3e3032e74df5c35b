"""A store in which nothing is wrong, with rows in nearly every table, as the product itself makes them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text

from api.workers.handlers import JOB_KINDS
from domain import jobs
from domain.audit import queries as audit
from domain.audit.model import Actor, ActorKind, AuditEntry
from domain.campaigns import launch
from domain.consents.tables import suppressions
from domain.customers import actions as customers
from domain.customers import upsert
from domain.customers.key import CustomerKey
from domain.customers.model import Address, Consent, ContactChange, CustomerChange, PropertyChange
from domain.customers.tables import objections
from domain.imports import actions as imports
from domain.imports.model import ImportKind
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.installation.keys import InstallationKeys
from domain.kit.clock import system_clock
from domain.kit.db import Database
from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys
from domain.kit.values import ValueType
from domain.lifecycle import actions as lifecycle
from domain.lists import actions as lists
from domain.lists.export import job as export
from domain.lists.export.files import ExportFormat
from domain.lists.export.job import ExportRequest
from domain.memberships import tracking
from domain.migrations.tables import metadata
from domain.operations.files import FileDirectory
from domain.orders import statuses
from domain.orders.meanings import StatusMeaning
from domain.segments.evaluation import resolve
from domain.segments.model import SegmentInput, SegmentKind
from domain.segments.tables import value_ranks
from domain.segments.validation import FilterContext
from domain.services import Services
from domain.stores import queries as stores
from domain.stores.model import TokenScope, new_token, token_hash
from tests.domain.campaigns.stage import add_campaign
from tests.factories import add_store
from tests.fakes import LocalChannel, RecordingChannel, make_services

KEY = "a key for tests alone"
Rows = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Shop:
    """What is in the store, and its rows by table."""

    store_id: int
    other_store_id: int
    segment_id: UUID
    other_segment_id: UUID
    static_id: UUID
    list_id: UUID
    campaign_id: UUID
    export_id: UUID
    import_id: UUID
    rows: Rows


async def _make(database: Database, files: Path) -> Shop:
    now = system_clock() - timedelta(minutes=1)
    channel = LocalChannel(RecordingChannel(key="email"), None)
    services = make_services(database, channel, clock=system_clock, files=FileDirectory(files))
    async with database.write() as tx:
        store_id = await add_store(tx, created_at=now)
        other_id = await add_store(tx, created_at=now)
        store = await stores.by_id(tx, store_id)
        assert store is not None
        hashed = token_hash(new_token(store_id))
        assert hashed is not None
        await stores.add_token(tx, store_id, "shop", hashed, frozenset({TokenScope.ADMIN}), now)
        await stores.install(tx, store_id, "email", None, now)
        await customers.define(tx, store_id, "colour", "Colour", ValueType.STRING, now)
        changes = [
            CustomerChange(
                external_id=f"c{number}",
                email=f"c{number}@shop.example",
                country="TW",
                tags=["vip"],
                properties=[PropertyChange("colour", "red")],
                contacts=[ContactChange("email", consent=Consent.SUBSCRIBED)],
                addresses=[Address(country="TW", city="Taipei")],
            )
            for number in range(1, 4)
        ]
        await upsert.upsert_many(tx, store_id, changes, now)
        await upsert.upsert_many(tx, other_id, [CustomerChange(external_id="c1", email="c1@shop.example")], now)
        await track.track(tx, store_id, _events(now), now)
        await statuses.classify(tx, store_id, {"op de markt": StatusMeaning.SALE})
        await tx.execute(
            insert(value_ranks),
            [{"store_id": store_id, "dimension": "tier", "value": value, "rank": rank}
             for rank, value in enumerate(("Bronze", "Gold"))],
        )  # fmt: skip
        include = {"attribute": {"dimension": "country", "operator": "EQ", "values": ["TW"]}}
        context = FilterContext(
            store, await resolve.catalogue(tx, store_id, {}, services.extensions), now, extensions=services.extensions
        )
        made = await lists.create_segment(tx, context, SegmentInput(name="Taiwan", include=include))
        static = await lists.create_segment(
            tx, context, SegmentInput(name="Picked", kind=SegmentKind.STATIC, customer_ids=[1, 2])
        )
        other = await stores.by_id(tx, other_id)
        assert other is not None
        other_context = FilterContext(other, context.catalogue, now, extensions=services.extensions)
        others = await lists.create_segment(tx, other_context, SegmentInput(name="Taiwan", include=include))
        entry = AuditEntry(Actor(ActorKind.COMMAND_LINE, "anna"), "segmentCreate", asked={"name": "Taiwan"}, after={})
        await audit.record(tx, store_id, entry)
        # Somebody was erased, and a customer with the address has come in since.
        await tx.execute(insert(suppressions).values(store_id=store_id, hash=bytes(32), channel="*", created_at=now))
        kept = {"address": "anna@shop.example", "channel": "*", "reason": "ERASED", "since": now}
        await tx.execute(insert(objections).values(store_id=other_id, customer_id=1, **kept))
    await InstallationKeys(SecretKeys(KeyPair(SecretKey(KEY.encode())))).load(database)
    await work(services)
    async with database.write() as tx:
        campaign = await add_campaign(
            tx, store_id, made.build.listed.id, channel="email", created_at=now, started_at=now
        )
        await launch.start(tx, store_id, campaign.id)
        await stores.is_repeated(tx, store_id, "key", bytes(32), campaign.id, now)
    await work(services)
    async with database.write() as tx:
        request = ExportRequest(made.build.listed.id, ["country"], ExportFormat.CSV)
        exported = await export.start(tx, store, context.catalogue, request, now)
        opened = await imports.open_import(tx, store_id, ImportKind.CUSTOMERS, now)
        await imports.append(tx, store_id, opened.id, 1, b"external_id\n")
        for id_ in (store_id, other_id):
            await lifecycle.request_scoring(tx, id_)
    await work(services)
    # What the jobs before have changed.
    await tracking.schedule_due(database, system_clock())
    await work(services)
    async with database.read() as tx:
        rows: Rows = {table.name: [dict(row) for row in (await tx.execute(select(table))).mappings()]
                for table in metadata.sorted_tables}  # fmt: skip
    return Shop(
        store_id, other_id, made.segment.id, others.segment.id, static.segment.id, made.build.listed.id, campaign.id,
        exported.id, opened.id, rows,
    )  # fmt: skip


async def fill(database: Database, shop: Shop) -> None:
    """Store the shop's rows in an empty database."""
    async with database.write() as tx:
        for table in metadata.sorted_tables:
            if shop.rows[table.name]:
                await tx.execute(insert(table), shop.rows[table.name])
        if tx.dialect == "postgresql":
            await tx.execute(text("SELECT setval('stores_id_seq', greatest((SELECT max(id) FROM stores), 1))"))


async def work(services: Services) -> None:
    """Do all jobs that are due."""
    while True:
        async with services.database.read() as tx:
            due = await jobs.due(tx, 100)
        if not due:
            return
        for notice in due:
            async with services.database.write() as tx:
                job = await jobs.claim(tx, notice.store_id, notice.job_id, "worker")
            assert job is not None
            await JOB_KINDS[job.kind].run(services, job)


def _events(now: Any) -> list[TrackedEvent]:
    ann = CustomerKey(external_id="c1")
    item = {"product": "tea", "category": "Drinks", "quantity": 2, "price": 10, "tags": ["green"]}
    contents: list[tuple[str, str, dict[str, Any]]] = [
        ("o1", "order", {"total": 20, "items": [item]}),
        ("o2", "order", {"total": 10, "status": "cancelled", "items": [item]}),
        ("v1", "visit", {"page": "/tea", "utm_campaign": "spring"}),
        ("p1", "points.changed", {"amount": 50, "expires_on": "2090-01-01"}),
        ("p2", "points.changed", {"amount": -20}),
        ("k1", "coupon.received", {"coupon": "TEN"}),
        ("t1", "tasting", {"cups": 3}),
    ]
    return [
        TrackedEvent(id_, kind, ann, now - timedelta(hours=len(contents) - number), attributes)
        for number, (id_, kind, attributes) in enumerate(contents)
    ]


def make_now(url: str, files: Path) -> Shop:
    """Make the shop in an empty database, and return it with all rows."""

    async def run() -> Shop:
        database = Database(url)
        try:
            return await _make(database, files)
        finally:
            await database.close()

    return asyncio.run(run())
