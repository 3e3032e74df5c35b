"""The pace of a channel: how many messages are handed over between two commits."""

# Seconds of sending that may be in doubt when a machine dies.
WINDOW_SECONDS = 0.5
_FIRST = 8
_FEWEST = 4
_GROWTH = 4


class Pace:
    """Sizes windows such that each takes about half a second; the first is small, for the pace is not known.

    Where messages are permitted for a `spread` of seconds, the permits of later ones are lost: no window takes longer.
    """

    def __init__(self, spread: float | None = None) -> None:
        self._size = float(_FIRST)
        self._seconds, self._fewest = (WINDOW_SECONDS, _FEWEST) if spread is None else (spread, 1)

    def window_size(self, limit: int) -> int:
        """Return how many messages to hand over next, at most `limit`."""
        return max(1, min(int(self._size), limit))

    def note(self, messages: int, seconds: float) -> None:
        """Learn from a window that is over, and how long it took."""
        if messages:
            wanted = messages / max(seconds, 0.001) * self._seconds
            self._size = max(self._fewest, min(wanted, self._size * _GROWTH))
