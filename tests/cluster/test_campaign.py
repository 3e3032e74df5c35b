# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# Parts of redis have no types.
"""A campaign goes on while machines fail under it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest
import redis

from domain.campaigns.model import CampaignStatus
from tests.cluster.campaign import NAMESPACE, mailing
from tests.cluster.network import hosts
from tests.cluster.postgres import Server, fail_over_to_the_past, server, urls_of
from tests.services import REDIS

AWAY_SECONDS = 3


@pytest.fixture
def broker_address() -> Iterator[str]:
    """Redis, where the workers have names of their own."""
    REDIS.require()
    url = f"{REDIS.url}/9"
    yield url
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(f"{NAMESPACE}:*"):
            client.delete(key)


def test_a_restart_of_postgresql_leaves_nothing_unknown(
    postgres_server: Server, broker_address: str, folder: Path
) -> None:
    recipients = 4_000
    with mailing(postgres_server.url, broker_address, folder, recipients=recipients) as campaign:
        campaign.wait_for_messages(0.2)
        postgres_server.stop()
        sleep(AWAY_SECONDS)
        postgres_server.start()
        status = asyncio.run(campaign.end())
        asyncio.run(campaign.check())
        statuses = asyncio.run(campaign.statuses())
    assert status is CampaignStatus.SENT
    assert statuses == {"SENT": recipients}


def test_a_synchronous_standby_takes_over_from_a_host_that_vanished(
    postgres_template: Path, broker_address: str, folder: Path
) -> None:
    with (
        hosts(2) as (first, second),
        server(postgres_template, folder / "primary", first.address, first.namespace) as primary,
        primary.followed_by(folder / "standby", host=second.address, namespace=second.namespace) as standby,
    ):
        primary.wait_for_commits_on("standby")
        url = urls_of(primary, standby)
        with mailing(url, broker_address, folder, recipients=3_000) as campaign:
            campaign.wait_for_messages(0.2)
            first.cut_off()
            sleep(AWAY_SECONDS)
            standby.promote()
            status = asyncio.run(campaign.end())
            asyncio.run(campaign.check())
    assert status is CampaignStatus.SENT


def test_a_database_that_went_back_sends_nothing_twice(
    postgres_server: Server, broker_address: str, folder: Path
) -> None:
    with postgres_server.followed_by(folder / "standby") as standby:
        url = urls_of(postgres_server, standby)
        with mailing(url, broker_address, folder, recipients=3_000) as campaign:
            campaign.wait_for_messages(0.2)
            with fail_over_to_the_past(postgres_server, standby):
                campaign.wait_for_messages(0.6)
            assert asyncio.run(campaign.end()) is CampaignStatus.PAUSED
            asyncio.run(campaign.resume())
            assert asyncio.run(campaign.end()) is CampaignStatus.SENT
            asyncio.run(campaign.check())
            assert asyncio.run(campaign.statuses()) == {"SENT": 3_000}


def test_what_was_committed_since_is_gone_after_a_failover_to_the_past(postgres_server: Server, folder: Path) -> None:
    """The proof that the helper provokes what it is named after."""
    with postgres_server.followed_by(folder / "standby") as standby:
        postgres_server.psql("CREATE TABLE kept AS SELECT 1 AS n")
        with fail_over_to_the_past(postgres_server, standby):
            postgres_server.psql("INSERT INTO kept VALUES (2)")
        assert standby.psql("SELECT string_agg(n::text, ',') FROM kept") == "1"
        assert standby.psql("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)") == "00000002"
