"""Clocks of zones, as both databases read them."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import bindparam, select

from domain.kit.db import Database
from domain.kit.db.types import Instant
from domain.kit.db.zones import local_time


@pytest.mark.slow
@pytest.mark.parametrize("timezone", ["UTC", "Asia/Taipei", "America/New_York", "Europe/London", "Asia/Kathmandu"])
async def test_clocks_of_zones_are_read_alike_on_both_databases(database: Database, timezone: str) -> None:
    chance = Random(5)
    moments = [datetime(1970, 1, 2, tzinfo=UTC) + timedelta(seconds=chance.randrange(3_000_000_000)) for _ in range(80)]
    # On either side of a change of the clocks.
    moments += [datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)]
    async with database.read() as tx:
        for moment in moments:
            instants = select(bindparam("instant", moment, type_=Instant()).label("instant")).subquery()
            local = local_time(instants.c.instant, timezone, tx.dialect)
            expected = moment.astimezone(ZoneInfo(timezone))
            row = (await tx.execute(select(local.weekday, local.month_day, local.hour))).one()
            assert tuple(row) == (expected.isoweekday(), expected.day, expected.hour), moment
