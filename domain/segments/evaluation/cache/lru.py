"""A cache of leaves' bitmaps, so that previews ask again only for what was edited; never more than so many bytes."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from pyroaring import BitMap

from domain.segments.evaluation.leaf_analysis import LeafTraits

# An entry's bytes besides its bitmap: its key, its place in the order.
_OVERHEAD = 400
_MAX_TRAITS = 10_000
# Four bytes each on their way from the database.
MAX_IDS = 5_000_000


def size_of(bitmap: BitMap) -> int:
    """Return about how many bytes a bitmap takes."""
    statistics = bitmap.get_statistics()
    arrays_and_runs = statistics["n_bytes_array_containers"] + statistics["n_bytes_run_containers"]
    containers = arrays_and_runs + statistics["n_bytes_bitset_containers"] + 24 * statistics["n_containers"]
    return int(containers) + _OVERHEAD


@dataclass(slots=True)
class LeafCache:
    """Bitmaps by key, the longest unused of which go first. It belongs to one event loop.

    Whoever misses a key first fetches it for all who miss it meanwhile: `begin`, then `complete`.
    """

    max_bytes: int
    # More ids of one leaf than these are not fetched.
    max_ids: int = MAX_IDS
    used_bytes: int = 0
    # Fetches leaves for the next preview, of one filter at a time.
    prefetch: "asyncio.Task[None] | None" = None
    # By the leaf's key: they follow from the condition, whatever the data.
    traits: dict[bytes, LeafTraits] = field(default_factory=dict[bytes, LeafTraits])
    _entries: OrderedDict[Hashable, tuple[BitMap, int]] = field(
        default_factory=OrderedDict[Hashable, tuple[BitMap, int]]
    )
    _futures: dict[Hashable, "asyncio.Future[None]"] = field(default_factory=dict[Hashable, "asyncio.Future[None]"])

    def add_traits(self, key: bytes, traits: LeafTraits) -> None:
        """Store a leaf's traits, but not a constant's: that may be so by the order of a dimension's values alone."""
        if len(self.traits) >= _MAX_TRAITS:
            self.traits.clear()
        if traits.constant is None:
            self.traits[key] = traits

    def get(self, key: Hashable) -> BitMap | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def in_flight(self, key: Hashable) -> "asyncio.Future[None] | None":
        """Return what completes with the fetch of this key that another request has begun."""
        return self._futures.get(key)

    def begin(self, key: Hashable | None) -> None:
        """Let others wait for this key. None: what cannot be cached is not waited for either."""
        if key is not None:
            self._futures[key] = asyncio.get_running_loop().create_future()

    def complete(self, key: Hashable | None, bitmap: BitMap | None) -> None:
        """Store the bitmap and wake those who wait; None: the fetch failed, and they must fetch it themselves."""
        future = self._futures.pop(key, None)
        if future is None:
            return
        size = 0 if bitmap is None else size_of(bitmap)
        if bitmap is not None and size <= self.max_bytes:
            _, replaced = self._entries.pop(key, (None, 0))
            self.used_bytes += size - replaced
            self._entries[key] = (bitmap, size)
            while self.used_bytes > self.max_bytes:
                _, (_, freed) = self._entries.popitem(last=False)
                self.used_bytes -= freed
        if not future.done():
            future.set_result(None)

    def __len__(self) -> int:
        return len(self._entries)
