"""Chores: each goes its own way, whatever becomes of the others."""

import asyncio

from api.workers.scheduler import Chore, keep_schedule


async def test_a_chore_that_hangs_or_fails_ends_no_other() -> None:
    done: list[str] = []
    stop = asyncio.Event()

    async def hang() -> None:
        done.append("hang")
        await asyncio.sleep(60)

    async def fail() -> None:
        done.append("fail")
        raise OSError("the database is away")

    async def work() -> None:
        done.append("work")
        if min(done.count(name) for name in ("hang", "fail", "work")) > 1:
            stop.set()

    chores = [Chore("hang", hang, 0, 0.1), Chore("fail", fail, 0), Chore("work", work, 0)]
    async with asyncio.timeout(60):
        await keep_schedule(chores, stop)
    assert {done.count(name) > 1 for name in ("hang", "fail", "work")} == {True}
