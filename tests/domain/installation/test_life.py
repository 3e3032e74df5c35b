"""By its life a database is known again; one that is behind what is known outside is not the one it was (P31)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.installation.life import FAILOVER_LAG, Life, Standing, standing_of
from domain.installation.marker import FILE_NAME, LifeMarker, MarkerUnwritable
from domain.kit import ids
from tests.factories import NOW

KNOWN = Life(ids.new(), None, 10, NOW, NOW, timeline="00000001", place="16400")
OTHER = ids.new()
NEW = replace(KNOWN, beat=0)
LATER = replace(KNOWN, beat=11, beat_at=NOW + timedelta(seconds=1))
EARLIER = replace(KNOWN, beat=9, beat_at=NOW - timedelta(seconds=1))
PROMOTED = replace(EARLIER, timeline="00000002")


@pytest.mark.parametrize(
    ("life", "known", "standing"),
    [
        (None, None, Standing.IN_ORDER),
        (NEW, None, Standing.IN_ORDER),
        (KNOWN, None, Standing.UNPROVEN),
        (None, KNOWN, Standing.WENT_BACK),
        (KNOWN, KNOWN, Standing.IN_ORDER),
        (LATER, KNOWN, Standing.IN_ORDER),
        (EARLIER, KNOWN, Standing.WENT_BACK),
        (NEW, KNOWN, Standing.WENT_BACK),
        (replace(LATER, epoch=OTHER), KNOWN, Standing.WENT_BACK),
        (replace(NEW, epoch=OTHER), KNOWN, Standing.WENT_BACK),
        (replace(NEW, epoch=OTHER, replaced_epoch=KNOWN.epoch), KNOWN, Standing.IN_ORDER),
        (replace(NEW, epoch=OTHER, replaced_epoch=OTHER), KNOWN, Standing.WENT_BACK),
        (PROMOTED, KNOWN, Standing.IN_ORDER),
        (replace(PROMOTED, place="16401"), KNOWN, Standing.WENT_BACK),
        (replace(PROMOTED, beat_at=NOW - FAILOVER_LAG - timedelta(seconds=1)), KNOWN, Standing.WENT_BACK),
    ],
)
def test_the_standing_of_a_database(life: Life | None, known: Life | None, standing: Standing) -> None:
    assert standing_of(life, known) is standing


async def test_processes_know_by_the_file_what_others_have_seen(tmp_path: Path) -> None:
    await LifeMarker(tmp_path).write(KNOWN)
    assert await LifeMarker(tmp_path).standing(LATER) is Standing.IN_ORDER
    assert await LifeMarker(tmp_path).standing(EARLIER) is Standing.WENT_BACK
    assert await LifeMarker(tmp_path / "elsewhere").standing(KNOWN) is Standing.UNPROVEN


async def test_a_process_knows_more_than_a_file_that_was_restored_too(tmp_path: Path) -> None:
    running = LifeMarker(tmp_path)
    await running.write(KNOWN)
    assert await running.standing(LATER) is Standing.IN_ORDER
    await LifeMarker(tmp_path).write(EARLIER)
    assert await running.standing(EARLIER) is Standing.WENT_BACK
    assert await running.standing(LATER) is Standing.IN_ORDER


async def test_a_machine_that_joins_waits_until_somebody_works_who_knows_the_database(tmp_path: Path) -> None:
    joining = LifeMarker(tmp_path)
    for _ in range(2):
        assert await joining.standing(KNOWN) is Standing.UNPROVEN
    assert await joining.standing(replace(LATER, epoch=OTHER)) is Standing.UNPROVEN
    assert await joining.standing(LATER) is Standing.IN_ORDER
    assert await joining.standing(EARLIER) is Standing.WENT_BACK


@pytest.mark.parametrize("content", ["", "{", "[]", '{"epoch": 1}'])
async def test_a_file_that_cannot_be_read_tells_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    assert await LifeMarker(tmp_path).read() is None


async def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("no directory")
    with pytest.raises(MarkerUnwritable, match=FILE_NAME):
        await LifeMarker(tmp_path / "files").write(KNOWN)


async def test_without_a_directory_nothing_is_known() -> None:
    marker = LifeMarker(None)
    await marker.write(KNOWN)
    assert (marker.enabled, await marker.read()) == (False, None)
