"""The pace of a channel: how many messages are handed over between two commits."""

# Seconds of sending that may be in doubt when a machine dies.
WINDOW_SECONDS = 0.5
_FIRST = 8
_FEWEST = 4
_GROWTH = 4


class Pace:
    """Sizes windows such that each takes about half a second; the first is small, for the pace is not known."""

    def __init__(self) -> None:
        self._size = float(_FIRST)

    def window_size(self, limit: int) -> int:
        """Return how many messages to hand over next, at most `limit`."""
        return max(1, min(int(self._size), limit))

    def note(self, messages: int, seconds: float) -> None:
        """Learn from a window that is over, and how long it took."""
        if messages:
            wanted = messages / max(seconds, 0.001) * WINDOW_SECONDS
            self._size = max(_FEWEST, min(wanted, self._size * _GROWTH))
