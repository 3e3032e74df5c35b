"""Lives of the database: a backup that is restored begins another one, and this tells which it is.

The row of the installation has an epoch, which names the life, and a beat, which grows as long as anybody works. The
newest of both is known outside the database too: in the memory of each process, and in a file that all machines share.
A database that is behind what is known outside has lost what was sent since.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

# A standby that is promoted is behind by less; longer than this, journals may not be there any more.
FAILOVER_LAG = timedelta(minutes=5)
# Somebody who works lets hear of it more often than that.
SILENT_AFTER = timedelta(seconds=60)


class Standing(StrEnum):
    """The database, as seen by somebody who knows of an earlier look at it."""

    IN_ORDER = "IN_ORDER"
    # It was restored, or it is another one.
    WENT_BACK = "WENT_BACK"
    # Somebody has worked with it, elsewhere: it may have been restored, or it has moved here.
    UNPROVEN = "UNPROVEN"


@dataclass(frozen=True, slots=True)
class Life:
    """A look at the database; `now` is by its own clock, `timeline` and `place` are PostgreSQL's."""

    epoch: UUID
    replaced_epoch: UUID | None
    beat: int
    beat_at: datetime
    now: datetime
    timeline: str | None = None
    place: str | None = None

    @property
    def silent(self) -> bool:
        """Return whether nobody works with it."""
        return self.now - self.beat_at > SILENT_AFTER


def standing_of(life: Life | None, known: Life | None) -> Standing:
    """Return how the database stands, by the newest life that is known; None is one that nobody has worked with yet."""
    if known is None:
        return Standing.IN_ORDER if life is None or life.beat == 0 else Standing.UNPROVEN
    if life is None:
        return Standing.WENT_BACK
    if life.epoch != known.epoch:
        follows = life.replaced_epoch == known.epoch
    else:
        follows = life.beat >= known.beat or _failed_over(life, known)
    return Standing.IN_ORDER if follows else Standing.WENT_BACK


def _failed_over(life: Life, known: Life) -> bool:
    """Return whether a standby was promoted that had not got the last commits, of which journals know."""
    promoted = life.place == known.place and life.timeline != known.timeline
    return promoted and known.beat_at - life.beat_at <= FAILOVER_LAG
