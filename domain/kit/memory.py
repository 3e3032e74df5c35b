"""Memory that the allocator keeps of work that is over."""

import ctypes
import sys


def release_free_memory() -> None:
    """Give back to the system what glibc keeps, in an arena for each thread that large work ran in."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
