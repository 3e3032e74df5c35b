"""E-mail recipients a second to a local mail server, every delivery on record; and the CPU of one."""

import asyncio
import os
from time import perf_counter, process_time
from uuid import UUID

import pytest
from muster_sdk import Recipient
from sqlalchemy import func, insert, select

from channels.email.content import EmailContent
from channels.email.plugin import EmailChannel
from channels.email.settings import EmailSettings
from domain.campaigns import launch as campaign_launch
from domain.campaigns import mailing
from domain.customers.tables import contacts, customers
from domain.deliveries.tables import deliveries
from domain.jobs import claim, due
from domain.kit.db import Database
from domain.services import Services
from domain.sessions.host import CallHost
from tests.channels.email.support import Outcomes
from tests.domain.campaigns.stage import add_campaign, add_list
from tests.fakes import LocalChannel, make_services
from tests.journeys.processes import consent, customer, mail_server

pytestmark = [pytest.mark.benchmark]
RECIPIENTS = int(os.environ.get("BENCH_RECIPIENTS", "20000"))
AT_A_TIME = 4
HTML = "<h1>Hello {{ customer.name }}</h1><p>{{ customer.city }}</p>" + "<p>" + "Something new is here. " * 80 + "</p>"
CONTENT = {"subject": "{{ customer.name }}, something new", "html": HTML}


async def test_recipients_a_second(database: Database, store_id: int, capsys: pytest.CaptureFixture[str]) -> None:
    with mail_server() as (port, received):
        channel = EmailChannel()
        settings = EmailSettings.model_validate(
            {"host": "127.0.0.1", "port": port, "security": "none", "fromAddress": "shop@example.com"}
        )
        services = make_services(database, LocalChannel(channel, settings))
        await stage(database, store_id, services)
        bare = await bare_loop(services, channel, settings)
        began, worked = perf_counter(), process_time()
        await asyncio.gather(*(work(services) for _ in range(AT_A_TIME)))
        seconds, cpu = perf_counter() - began, process_time() - worked
        async with database.read() as tx:
            sent = await tx.scalar(select(func.count()).where(deliveries.c.status == "SENT"))
        assert sent == RECIPIENTS
        assert received() == RECIPIENTS + bare.messages
    with capsys.disabled():
        print(
            f"\ne-mail, {database.dialect}: {RECIPIENTS / seconds:,.0f} recipients/s, "
            f"{cpu / RECIPIENTS * 1e6:,.0f} us of CPU each; "
            f"{RECIPIENTS / seconds / bare.rate:.2f} of the same client without a row a recipient "
            f"({bare.rate:,.0f}/s, {bare.cpu * 1e6:,.0f} us)"
        )


class Bare:
    """What the client does when nothing is written down."""

    def __init__(self, messages: int, seconds: float, cpu: float) -> None:
        self.messages, self.rate, self.cpu = messages, messages / seconds, cpu / messages


async def bare_loop(services: Services, channel: EmailChannel, settings: EmailSettings) -> Bare:
    composer = channel.prepare(EmailContent.model_validate(CONTENT), settings, services.templates)
    count = RECIPIENTS // 4
    began, worked = perf_counter(), process_time()
    async with channel.connect(settings, CallHost()) as transport:
        for first in range(0, count, 100):
            people = [
                Recipient(
                    UUID(int=number),
                    f"c{number}@shop.example",
                    {"customer": {"name": f"Customer {number}", "city": "Taipei"}},
                    "https://shop.example/unsubscribe/x",
                )
                for number in range(first, min(first + 100, count))
            ]
            await transport.send([composer.compose(one) for one in people], Outcomes())
    return Bare(count, perf_counter() - began, process_time() - worked)


async def stage(database: Database, store_id: int, services: Services) -> None:
    everyone = range(1, RECIPIENTS + 1)
    async with database.write() as tx:
        await tx.execute(insert(customers), [customer(store_id, number) for number in everyone])
        await tx.execute(insert(contacts), [consent(store_id, number) for number in everyone])
        list_id = await add_list(tx, store_id, list(everyone))
        campaign = await add_campaign(tx, store_id, list_id, channel="email", content=CONTENT)
        await campaign_launch.start(tx, store_id, campaign.id)
    async with database.read() as tx:
        (launch,) = await due(tx, 1)
    async with database.write() as tx:
        job = await claim(tx, store_id, launch.job_id, "bench", 60)
    assert job is not None
    await campaign_launch.launch(services, job)


async def work(services: Services) -> None:
    while True:
        async with services.database.read() as tx:
            waiting = await due(tx, AT_A_TIME)
        if not waiting:
            return
        for notice in waiting:
            async with services.database.write() as tx:
                job = await claim(tx, notice.store_id, notice.job_id, "bench", 60)
            if job is not None:
                await mailing.DELIVER.run(services, job)
