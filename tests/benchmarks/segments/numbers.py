"""SQL that makes the same rows on both databases: whole numbers mixed into chance, instants and days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
TODAY = date(2026, 6, 30)
TIMEZONE = "Asia/Taipei"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PRIME = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a database spells what rows are made of."""

    dialect: str

    def up_to(self, count: int) -> str:
        """A table `n` with the column `i` from 1 on."""
        if self.dialect == "postgresql":
            return f"(SELECT generate_series(1, CAST({count} AS bigint)) AS i) AS n"
        counting = f"SELECT 1 AS i UNION ALL SELECT i + 1 FROM c WHERE i < {count}"
        return f"(WITH RECURSIVE c AS ({counting}) SELECT i FROM c) AS n"

    def instant(self, seconds_ago: str) -> str:
        if self.dialect == "postgresql":
            return f"timestamptz '{NOW.isoformat()}' - ({seconds_ago}) * interval '1 second'"
        return f"{(NOW - _EPOCH) // timedelta(microseconds=1)} - ({seconds_ago}) * 1000000"

    def day(self, days_from_now: str) -> str:
        if self.dialect == "postgresql":
            return f"date '{TODAY}' + CAST({days_from_now} AS integer)"
        return f"date('{TODAY}', ({days_from_now}) || ' days')"


def chance(salt: int, below: int, of: str = "i") -> str:
    """A number below the given one, as good as by chance, and the same each time."""
    first, second = salt * 7919 + 17, salt * 104729 + 5
    return f"((({of} * 48271 + {first}) % {_PRIME}) * (({of} * 69621 + {second}) % {_PRIME}) % {_PRIME} % {below})"


def padded(letter: str, number: str = "i") -> str:
    """An id as text that sorts as its number does."""
    return f"'{letter}' || substr(CAST(1000000000 + {number} AS text), 2)"


def pick(number: str, *choices: tuple[int, str]) -> str:
    """The first choice whose bound is above the number."""
    cases = " ".join(f"WHEN {number} < {bound} THEN {value}" for bound, value in choices)
    return f"(CASE {cases} END)"
