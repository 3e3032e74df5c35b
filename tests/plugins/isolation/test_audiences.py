"""Lists that a provider keeps: the latest of each segment, members who may be written to, each page once it has it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from domain.channels.syncs import SYNC
from domain.channels.tables import synced_lists
from domain.jobs.tables import jobs as job_rows
from domain.kit.db.portable import database_later
from tests.api.graphql.stage import Json
from tests.plugins.isolation.accounts_stage import Accounts, open_accounts

YES = "SUBSCRIBED"


@pytest.fixture
async def accounts(database_url: str, tmp_path: Path) -> AsyncIterator[Accounts]:
    async with open_accounts(database_url, tmp_path / "files") as opened:
        yield opened


async def jobs_of(accounts: Accounts) -> int:
    async with accounts.stage.runtime.database.read() as tx:
        count: int = await tx.scalar(select(func.count()).select_from(job_rows).where(job_rows.c.kind == SYNC))
        return count


async def make_due(accounts: Accounts) -> None:
    async with accounts.stage.runtime.database.write() as tx:
        is_of_store = job_rows.c.store_id == accounts.store.store_id
        await tx.execute(update(job_rows).where(is_of_store).values(due_at=database_later(-1, tx.dialect)))


def handed_over(accounts: Accounts) -> list[list[str]]:
    return sorted([address.partition("@")[0] for address in members] for members in accounts.loft.lists.values())


async def sync_of(accounts: Accounts) -> Json:
    return (await accounts.channel())["sync"]


async def test_the_latest_lists_are_handed_over_without_who_may_not_be_written_to(accounts: Accounts) -> None:
    await accounts.add_customers([YES, "UNSUBSCRIBED", YES, None, YES, YES, "NOT_SUBSCRIBED"])
    await accounts.store.segment("Everyone")
    await accounts.store.mutate(
        "customerBlacklist", "id: $id, reason: $reason", "", id=await accounts.store.customer_id("c4"), reason="spam"
    )
    await accounts.configure()
    assert await accounts.sync() == {"sync": {"status": "QUEUED"}, "userErrors": []}
    await accounts.stage.work()

    assert handed_over(accounts) == [["c0", "c2", "c5"]]
    sync = await sync_of(accounts)
    (listed,) = sync.pop("lists")
    assert listed["list"]["name"] == "Everyone"
    assert (listed["count"], listed["contacts"]) == (7, 3)
    assert listed["syncedAt"] == sync["lastSyncedAt"] is not None
    assert (sync["status"], sync["done"], sync["total"], sync["problem"]) == ("DONE", 7, 7, None)
    (provider_id,) = accounts.loft.opened
    assert accounts.loft.opened[provider_id] == {"name": "Everyone", "size": 3}
    assert accounts.loft.closed == [provider_id]
    assert accounts.loft.variables["c0@shop.example"]["customer"]["email"] == "c0@shop.example"
    # Four pages of two members each at most, one of them of nobody.
    assert accounts.loft.requests.count(f"POST /lists/{provider_id}/members") == 3
    assert await jobs_of(accounts) == 0


async def test_new_lists_are_handed_over_by_themselves_and_old_ones_go(accounts: Accounts) -> None:
    await accounts.configure()
    await accounts.add_customers([YES])
    made = await accounts.store.segment("Everyone")
    assert handed_over(accounts) == [["c0"]]
    await accounts.store.segment("All")
    assert handed_over(accounts) == [["c0"], ["c0"]]
    assert accounts.loft.requests.count("POST /lists/x/members") == 0
    accounts.stage.clock.forward(days=1)
    await accounts.add_customers([YES], 1)
    refreshed = await accounts.store.mutate("segmentRefresh", "id: $id", "", id=made["segment"]["id"])
    assert refreshed["userErrors"] == []
    await accounts.stage.work()
    assert handed_over(accounts) == [["c0"], ["c0"], ["c0", "c1"]], "a list that is there is not handed over again"
    assert {one["list"]["name"] for one in (await sync_of(accounts))["lists"]} == {"All", "Everyone-2"}


async def test_another_sync_hands_over_who_may_be_written_to_by_now(accounts: Accounts) -> None:
    await accounts.configure()
    await accounts.add_customers([YES, "UNSUBSCRIBED"])
    await accounts.store.segment("Everyone")
    accounts.loft.lists.clear()
    await accounts.add_customers([YES, YES])
    await accounts.sync()
    await accounts.stage.work()
    (listed,) = (await sync_of(accounts))["lists"]
    assert handed_over(accounts) == [["c0", "c1"]]
    assert listed["contacts"] == 2


@pytest.mark.parametrize("answered", range(5))
async def test_a_sync_that_a_provider_breaks_off_goes_on_behind_the_last_page(
    accounts: Accounts, answered: int
) -> None:
    """Opened, three pages, closed: wherever the provider goes away, nobody is missing and no page comes twice."""
    await accounts.add_customers([YES] * 5)
    await accounts.store.segment("Everyone")
    await accounts.configure()
    await accounts.sync()
    accounts.loft.refuses_from = answered
    await accounts.stage.work()
    sync = await sync_of(accounts)
    assert (sync["status"], sync["problem"], sync["lists"]) == ("RUNNING", "The loft answered 503", [])
    assert sync["done"] <= [0, 0, 2, 4, 5][answered]
    assert await jobs_of(accounts) == 1

    accounts.loft.refuses_from = None
    await make_due(accounts)
    await accounts.stage.work()
    assert handed_over(accounts) == [["c0", "c1", "c2", "c3", "c4"]]
    assert len(accounts.loft.closed) == 1
    sync = await sync_of(accounts)
    assert (sync["status"], sync["problem"]) == ("DONE", None)


async def test_a_sync_that_is_not_possible_is_refused(accounts: Accounts) -> None:
    refused = await accounts.sync()
    assert refused["userErrors"][0]["code"] == "CHANNEL_UNAVAILABLE"
    await accounts.store.install("pigeon")
    assert "no settings" in (await accounts.sync())["userErrors"][0]["message"]
    await accounts.add_customers([YES])
    await accounts.store.segment("Everyone")
    assert await jobs_of(accounts) == 0
    assert await sync_of(accounts) is None
    async with accounts.stage.runtime.database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(synced_lists)) == 0


async def test_a_list_that_is_deleted_is_kept_no_more(accounts: Accounts) -> None:
    await accounts.configure()
    await accounts.add_customers([YES])
    made = await accounts.store.segment("Everyone")
    await accounts.store.mutate("segmentDelete", "id: $id", "", id=made["segment"]["id"])
    await accounts.stage.work()
    assert (await sync_of(accounts))["lists"] == []
    await accounts.sync()
    await accounts.stage.work()
    async with accounts.stage.runtime.database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(synced_lists)) == 0
