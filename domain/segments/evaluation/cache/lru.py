"""Answers to leaves, kept while the data that they rest on stays as it was, and never more than so many bytes."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from pyroaring import BitMap

from domain.segments.evaluation.leaf_analysis import LeafTraits

# What an entry costs besides its bitmap: its key, its place in the order.
_OVERHEAD = 400
_QUESTIONS = 10_000


def size_of(bitmap: BitMap) -> int:
    """Bytes, about."""
    counted = bitmap.get_statistics()
    kept = counted["n_bytes_array_containers"] + counted["n_bytes_run_containers"]
    return int(kept + counted["n_bytes_bitset_containers"] + 24 * counted["n_containers"]) + _OVERHEAD


@dataclass(slots=True)
class LeafCache:
    """Bitmaps by key, the longest unused of which go first. One event loop's own.

    Who is first to miss a key answers it for all who miss it meanwhile: it opens a flight, and lands it.
    """

    most_bytes: int
    used_bytes: int = 0
    # Leaves that are brought here for the next preview; one filter's at a time.
    warming: "asyncio.Task[None] | None" = None
    # What is known of leaves by their key: the condition says it, whatever the data.
    traits: dict[bytes, LeafTraits] = field(default_factory=dict[bytes, LeafTraits])
    _kept: OrderedDict[Hashable, tuple[BitMap, int]] = field(default_factory=OrderedDict[Hashable, tuple[BitMap, int]])
    _flights: dict[Hashable, "asyncio.Future[None]"] = field(default_factory=dict[Hashable, "asyncio.Future[None]"])

    def remember(self, key: bytes, question: LeafTraits) -> LeafTraits:
        """But for one that finds everyone or nobody: that may be so by the order of a dimension's values alone."""
        if len(self.traits) >= _QUESTIONS:
            self.traits.clear()
        if question.constant is None:
            self.traits[key] = question
        return question

    def get(self, key: Hashable) -> BitMap | None:
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def in_flight(self, key: Hashable) -> "asyncio.Future[None] | None":
        return self._flights.get(key)

    def depart(self, key: Hashable | None) -> None:
        """None: an answer that cannot be kept is not waited for either."""
        if key is not None:
            self._flights[key] = asyncio.get_running_loop().create_future()

    def land(self, key: Hashable | None, bitmap: BitMap | None) -> None:
        """The answer; or None when it did not come, and whoever waits must ask for it."""
        flight = self._flights.pop(key, None)
        if flight is None:
            return
        if bitmap is not None and key is not None:
            self._keep(key, bitmap)
        if not flight.done():
            flight.set_result(None)

    def _keep(self, key: Hashable, bitmap: BitMap) -> None:
        size = size_of(bitmap)
        if size > self.most_bytes:
            return
        had = self._kept.pop(key, None)
        self.used_bytes += size - (had[1] if had else 0)
        self._kept[key] = (bitmap, size)
        while self.used_bytes > self.most_bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self.used_bytes -= freed

    def __len__(self) -> int:
        return len(self._kept)
