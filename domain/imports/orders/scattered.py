"""Finds the orders of a file whose rows stand in more than one of its pieces: they are whole when all of it is read."""

from collections.abc import Iterable

from domain.imports.model import Progress
from domain.imports.values.text import identifier
from domain.kit.errors import DomainError

# A bit each: two orders rarely have the same one, and when they do, both are taken for scattered.
_SLOTS = 1 << 27
# Of more, looking at them twice costs more than it spares.
_MOST = 200_000


class ScatteredOrders:
    """The orders of a file that stand in several pieces, and a few others. What is kept of all orders is 16 MB."""

    def __init__(self, progress: Progress) -> None:
        self._cell = progress.columns.index("order_id")
        self._seen = bytearray(_SLOTS // 8)
        self._scattered: set[int] = set()

    @property
    def suits(self) -> bool:
        return len(self._scattered) <= _MOST

    def __contains__(self, order_id: str) -> bool:
        return _slot(order_id) in self._scattered

    def add(self, records: Iterable[tuple[int, list[str]]]) -> None:
        """Look at the records of a piece."""
        seen = self._seen
        for order_id in {record[self._cell]: None for _, record in records}:
            slot = _slot_of_cell(order_id)
            if slot is None:
                continue
            byte, bit = slot >> 3, 1 << (slot & 7)
            if seen[byte] & bit:
                self._scattered.add(slot)
            else:
                seen[byte] |= bit


def _slot(order_id: str) -> int:
    return hash(order_id) % _SLOTS


def _slot_of_cell(cell: str) -> int | None:
    try:
        order_id = identifier(cell)
    except DomainError:
        return None
    return None if order_id is None else _slot(order_id)
