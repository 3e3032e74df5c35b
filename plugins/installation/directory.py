"""The directory of the installation's plugins: sets of packages, each whole, of which one is current."""

import fcntl
import os
import shutil
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

PACKAGES_VARIABLE = "MUSTER_PLUGIN_PACKAGES"
"""Tells plugins' processes, which read no settings, where the packages are."""

# A server that runs goes on with the set that it started with, which is kept for so long after it was replaced.
_KEPT_SECONDS = 7 * 86_400
_LIST = "plugins.txt"
_LIST_HEAD = "# The plugins that were asked for: `muster plugins install` without a name installs them anew.\n"


@dataclass(frozen=True, slots=True)
class PluginSet:
    """All packages that plugins bring: `packages` is the directory on the import path, `wheels` has local plugins."""

    path: Path

    @property
    def packages(self) -> Path:
        return self.path / "packages"

    @property
    def wheels(self) -> Path:
        return self.path / "wheels"

    @property
    def requests(self) -> Sequence[str]:
        """Return what was asked for: requirements by name, and wheels by their paths within the set."""
        try:
            lines = (self.path / _LIST).read_text().splitlines()
        except FileNotFoundError:
            return []
        return [line for line in lines if line and not line.startswith("#")]

    def write_requests(self, requests: Sequence[str]) -> None:
        (self.path / _LIST).write_text(_LIST_HEAD + "".join(f"{request}\n" for request in requests))


@dataclass(frozen=True, slots=True)
class PluginsDirectory:
    path: Path

    @property
    def current(self) -> PluginSet | None:
        """Return the set in use, None if nothing was ever installed."""
        link = self.path / "current"
        return PluginSet(link.resolve()) if link.is_dir() else None

    @property
    def packages(self) -> Path | None:
        """Return the directory of the packages in use, None if nothing was ever installed."""
        return None if self.current is None else self.current.packages

    @contextmanager
    def replacement(self) -> Generator[PluginSet]:
        """Yield an empty set, which becomes the current one at the end of the block, and is deleted if that raises."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made = PluginSet(Path(mkdtemp(prefix="set-", dir=self.path)).resolve())
            try:
                # Servers may run as another user than whoever installs.
                made.path.chmod(0o755)
                made.packages.mkdir()
                made.wheels.mkdir()
                yield made
                self._make_current(made)
            except BaseException:
                shutil.rmtree(made.path)
                raise
            self._sweep(made)

    def _make_current(self, made: PluginSet) -> None:
        replaced = self.current
        link = made.path / "link"
        link.symlink_to(made.path.name)
        link.replace(self.path / "current")
        if replaced is not None:
            os.utime(replaced.path)

    def _sweep(self, current: PluginSet) -> None:
        made = current.path.stat().st_mtime
        for path in self.path.glob("set-*"):
            if path.name != current.path.name and made - path.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(path)


def extend_import_path() -> None:
    """Have this process of a plugin find the installed packages, behind everything that Muster has itself.

    It has no settings: what it may know, its parent has put into its environment.
    """
    packages = os.environ.get(PACKAGES_VARIABLE)  # noqa: TID251
    if packages is not None:
        sys.path.append(packages)
