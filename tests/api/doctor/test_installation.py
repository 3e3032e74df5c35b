"""What is wrong with the installation is found: its database went back, and what may have gone out since."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from api import doctor
from api.wiring import Runtime
from domain.campaigns import launch
from domain.campaigns.model import CampaignStatus
from domain.campaigns.restoration import keep_life
from domain.installation.tables import installation
from domain.kit.db import Database
from tests.domain.campaigns.stage import add_campaign, add_list
from tests.factories import NOW


@pytest.mark.slow
async def test_a_database_that_was_restored_and_what_may_have_gone_out(
    runtime: Runtime, database: Database, store_id: int
) -> None:
    """P31."""
    async with database.write() as tx:
        list_id = await add_list(tx, store_id, [])
        sending = await add_campaign(tx, store_id, list_id)
        await launch.start(tx, store_id, sending.id)
        due, later = [
            await add_campaign(tx, store_id, list_id, status=CampaignStatus.SCHEDULED, scheduled_at=at)
            for at in (NOW, datetime.max.replace(tzinfo=UTC))
        ]
    assert await keep_life(runtime.services) is None
    assert (await _continuity(runtime)).passed
    async with database.write() as tx:
        await tx.execute(update(installation).values(beat=0))
    result = await _continuity(runtime)
    assert not result.passed
    assert "muster resume --from-backup" in result.message
    named = [str(campaign.id) in result.message for campaign in (sending, due, later)]
    assert named == [True, True, False]


async def _continuity(runtime: Runtime) -> doctor.CheckResult:
    (result,) = [result for result in await doctor.run_checks(runtime) if result.name == "continuity"]
    return result
