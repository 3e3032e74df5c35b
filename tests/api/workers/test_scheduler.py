"""Chores: what is done in each round, and what is done now and then."""

from api.workers.scheduler import Rarely


async def test_what_is_done_rarely_is_not_done_in_every_round() -> None:
    done: list[int] = []

    async def chore() -> None:
        done.append(1)

    rarely, always = Rarely(chore, 60), Rarely(chore, 0)
    for _ in range(3):
        await rarely()
    assert len(done) == 1
    for _ in range(3):
        await always()
    assert len(done) == 4
