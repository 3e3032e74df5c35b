"""Limits of a plugin's process: its memory, networks, and part of the environment."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ChildLimits:
    environment: Mapping[str, str] = field(repr=False)
    memory_mb: int
    # Networks that are not public, and that it may connect to all the same.
    private_targets: Sequence[str] = ()
    # The directory of packages that `muster plugins install` has installed.
    packages: Path | None = None


def limit_memory(megabytes: int) -> None:
    """Have this process fail to take more."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - Windows has none

        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
