"""The files of journals: real ones in memory, which a process that crashes lets go of as it would by dying."""

import os
import shutil
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from tests.simulation.loop import OWNER

_MEMORY = Path("/dev/shm")


class Files:
    """Stands for `os` where journals are written; each host has a directory of its own."""

    def __init__(self) -> None:
        self._root = Path(mkdtemp(prefix="muster-simulation-", dir=_MEMORY if _MEMORY.is_dir() else None))
        self._owners: dict[int, object] = {}
        self._chance = Random(0)
        # Whether the disk is full now and then.
        self.full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def host(self, name: str) -> Path:
        """Return the directory of a host's journals."""
        return self._root / name

    def begin_history(self, chance: Random) -> None:
        """Forget the files of the history before."""
        for descriptor in self._owners:
            os.close(descriptor)
        self._owners.clear()
        for path in self._root.glob("*/*"):
            path.unlink()
        self._chance, self.full = chance, chance.random() < 0.1

    def crash(self, owner: object) -> None:
        """Close what the process had open."""
        for descriptor in [descriptor for descriptor, held_by in self._owners.items() if held_by is owner]:
            self.close(descriptor)

    def remove(self) -> None:
        shutil.rmtree(self._root)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = os.open(path, flags, mode)
        self._owners[descriptor] = OWNER.get()
        return descriptor

    def write(self, descriptor: int, content: bytes) -> int:
        """Write as much as there is room for. Raise OSError for what a crash has closed."""
        self._check(descriptor)
        if self.full and self._chance.random() < 0.1:
            return os.write(descriptor, content[: self._chance.randrange(len(content))])
        return os.write(descriptor, content)

    def fstat(self, descriptor: int) -> os.stat_result:
        self._check(descriptor)
        return os.fstat(descriptor)

    def close(self, descriptor: int) -> None:
        if descriptor in self._owners:
            del self._owners[descriptor]
            os.close(descriptor)

    def _check(self, descriptor: int) -> None:
        if descriptor not in self._owners:
            raise OSError("the process is dead")
