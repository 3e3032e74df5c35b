"""Memory that the allocator keeps of work that is over."""

import ctypes
import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def without_cycle_search() -> Generator[None]:
    """Make many rows at once: they refer to no row back, and to look for that takes a fifth as long as to make them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def release_free_memory() -> None:
    """Give back to the system what glibc keeps, in an arena for each thread that large work ran in."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
