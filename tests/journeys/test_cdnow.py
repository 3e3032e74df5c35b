"""The main job on the purchases of 23,570 real people, from their files to their mailboxes."""

import csv
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from api.workers.handlers import JOB_KINDS
from channels.email.plugin import EmailChannel
from domain.campaigns import launch
from domain.campaigns import queries as campaigns
from domain.campaigns.audience import audience_of
from domain.campaigns.model import CampaignStatus
from domain.customers.tables import customers
from domain.deliveries import queries as deliveries
from domain.deliveries.model import ExclusionReason
from domain.extensions import NO_EXTENSIONS
from domain.imports import actions as imports
from domain.imports.model import ImportKind
from domain.jobs import claim, due
from domain.kit.db import Database
from domain.lists import actions as lists
from domain.lists import queries as list_queries
from domain.operations import queries as operations
from domain.operations.model import OperationStatus
from domain.orders.tables import orders
from domain.segments.catalogue import catalogue
from domain.segments.evaluation.preview import Previews
from domain.segments.model import SegmentInput
from domain.segments.validation import FilterContext, define
from domain.services import Services
from domain.stores import queries as stores
from plugins.inspection import describe_channel
from tests.domain.campaigns.stage import add_campaign
from tests.factories import NOW
from tests.fakes import IMPORTS, LocalChannel, make_services
from tests.journeys.processes import mail_server
from tests.services import REQUIRED

pytestmark = [pytest.mark.journey]
DATA = Path(__file__).parents[3] / "shared" / "data" / "cdnow"
THREE_ORDERS = {"behavior": {"behavior": "order", "operator": "GTE", "values": [3]}}
SPENT_200 = {
    "behavior": {
        "behavior": "order",
        "aggregate": "SUM",
        "of": "total",
        "operator": "GT",
        "values": [200],
        "window": {"from": "1997-06-01T00:00:00Z", "to": "1998-06-01T00:00:00Z"},
    }
}


async def test_from_the_files_to_the_mailboxes(database: Database, store_id: int, tmp_path: Path) -> None:
    if not DATA.exists():
        missing = pytest.fail if REQUIRED else pytest.skip
        missing(f"the CDNOW files are not at {DATA.relative_to(DATA.parents[3])}")
    people, purchases = rows("customers.csv"), rows("orders.csv")
    await import_file(database, store_id, ImportKind.CUSTOMERS, DATA / "customers.csv")
    await import_file(database, store_id, ImportKind.ORDERS, DATA / "orders.csv")
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(customers)) == 23_570
        assert await tx.scalar(select(func.count()).select_from(orders)) == 69_659
    assert await preview(database, store_id, THREE_ORDERS) == len(ordered_thrice(purchases))
    assert await preview(database, store_id, SPENT_200) == spent_more_than_200(purchases)

    log = tmp_path / "received.log"
    with mail_server(log) as (port, received):
        services = make_mail_services(database, port)
        campaign_id, recipients = await make_campaign(database, store_id, services)
        members = ordered_thrice(purchases)
        addresses = {p["email"] for p in people if p["external_id"] in members and accepts_mail(p)}
        assert recipients == len(addresses)
        async with database.write() as tx:
            await launch.start(tx, store_id, campaign_id)
        await work(services)
        assert received() == len(addresses)
    assert Counter(line.split()[0] for line in log.read_text().splitlines()) == Counter(addresses)
    async with database.read() as tx:
        campaign = await campaigns.by_id(tx, store_id, campaign_id)
        stats = (await deliveries.stats_of(tx, store_id, [campaign_id]))[campaign_id]
    assert campaign is not None
    assert campaign.status is CampaignStatus.SENT
    assert (stats.recipients, stats.sent, stats.unknown) == (len(addresses), len(addresses), 0)


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ordered_thrice(purchases: list[dict[str, str]]) -> set[str]:
    customer_by_order = {row["order_id"]: row["customer_external_id"] for row in purchases}
    return {customer for customer, times in Counter(customer_by_order.values()).items() if times >= 3}


def spent_more_than_200(purchases: list[dict[str, str]]) -> int:
    order = {row["order_id"]: row for row in purchases}
    spent: Counter[str] = Counter()
    for row in order.values():
        if "1997-06-01" <= row["placed_at"] < "1998-06-01":
            spent[row["customer_external_id"]] += int(Decimal(row["total"]) * 100)
    return sum(1 for cents in spent.values() if cents > 20_000)


def accepts_mail(person: Mapping[str, str]) -> bool:
    return bool(person["email"]) and person["consent.email"] == "SUBSCRIBED"


async def import_file(database: Database, store_id: int, kind: ImportKind, path: Path) -> None:
    done = await imports.from_file(database, store_id, imports.LocalFile(kind, path), IMPORTS)
    assert done.status is OperationStatus.DONE
    async with database.read() as tx:
        assert await operations.problems_of(tx, store_id, [done.id]) == {done.id: []}


async def preview(database: Database, store_id: int, include: object) -> int:
    context = await context_of(database, store_id)
    definition = define(context, SegmentInput(include=include))
    return (await Previews(database, extensions=NO_EXTENSIONS).preview(context.store, definition, {}, NOW)).count


async def context_of(database: Database, store_id: int) -> FilterContext:
    async with database.read() as tx:
        store = await stores.by_id(tx, store_id)
    assert store is not None
    return FilterContext(store, catalogue(), NOW, extensions=NO_EXTENSIONS)


def make_mail_services(database: Database, port: int) -> Services:
    channel = EmailChannel()
    settings = channel.settings.model_validate(
        {"host": "127.0.0.1", "port": port, "security": "none", "fromAddress": "shop@example.com"}
    )
    return make_services(database, LocalChannel(channel, settings))


async def make_campaign(database: Database, store_id: int, services: Services) -> tuple[UUID, int]:
    """A campaign to everyone with three orders; its id, and whom `reach` says that it gets to."""
    context = await context_of(database, store_id)
    async with database.write() as tx:
        making = (
            await lists.create_segment(tx, context, SegmentInput(name="Three orders", include=THREE_ORDERS))
        ).build
    await work(services)
    async with database.write() as tx:
        listed = await list_queries.by_id(tx, store_id, making.listed.id)
        assert listed is not None
        content = {"subject": "{{ customer.name }}, thank you", "html": "<p>Hello {{ customer.name }}</p>"}
        campaign = await add_campaign(tx, store_id, listed.id, channel="email", content=content)
        reach = await deliveries.reach(tx, audience_of(campaign, describe_channel(EmailChannel())))
    assert reach.audience == listed.count
    assert set(reach.excluded) <= {
        ExclusionReason.NO_ADDRESS,
        ExclusionReason.NOT_SUBSCRIBED,
        ExclusionReason.UNSUBSCRIBED,
    }
    return campaign.id, reach.recipients


async def work(services: Services) -> None:
    """Do the jobs that are due, one after another."""
    while True:
        async with services.database.read() as tx:
            waiting = await due(tx, 100)
        if not waiting:
            return
        for notice in waiting:
            async with services.database.write() as tx:
                job = await claim(tx, notice.store_id, notice.job_id, "journey", 60)
            assert job is not None
            await JOB_KINDS[job.kind].run(services, job)
