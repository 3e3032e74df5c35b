"""The newest life of the database as it is known outside of it: in this process, and in a file for all of them."""

import asyncio
import os
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID

import orjson

from domain.installation.life import Life, Standing, standing_of
from domain.kit import private_files
from domain.kit.errors import DomainError

FILE_NAME = "installation.json"


class MarkerUnwritable(DomainError):
    """The file cannot be written."""

    def __init__(self, path: Path, reason: str | None) -> None:
        super().__init__(f"{path} cannot be written, by which a restored backup is recognised: {reason}")


class LifeMarker:
    """Compares looks at the database with the newest one that is known; with no directory, nothing is known."""

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / FILE_NAME
        self._known: Life | None = None
        # The first look, of one who knows nothing from before.
        self._first: Life | None = None
        self._written: tuple[object, ...] = ()

    @property
    def enabled(self) -> bool:
        return self._path is not None

    async def standing(self, life: Life | None) -> Standing:
        """Return how the database stands. What is in order is the newest life that this process knows from then on."""
        known = self._known or await self.read()
        standing = standing_of(life, known)
        if standing is Standing.UNPROVEN and life is not None:
            first = self._first = self._first or life
            if first.epoch == life.epoch and first.beat < life.beat:
                # Somebody works with it who knows it from before.
                standing = Standing.IN_ORDER
        if standing is Standing.IN_ORDER:
            self._known = life
        return standing

    async def read(self) -> Life | None:
        """Return the newest life that is known to any process that shares the file; None when there is none."""
        return None if self._path is None else await asyncio.to_thread(_read, self._path)

    async def written_at(self) -> float:
        """Return when the file was written, by the files' clock; 0 when there is none."""
        with suppress(OSError):
            if self._path is not None:
                return (await asyncio.to_thread(self._path.stat)).st_mtime
        return 0

    async def write(self, life: Life) -> None:
        """Have all processes know of this life. Raise MarkerUnwritable."""
        content = (life.epoch, life.beat, life.timeline)
        if self._path is None or content == self._written:
            return
        try:
            await asyncio.to_thread(_write, self._path, life)
        except OSError as error:
            raise MarkerUnwritable(self._path, error.strerror) from error
        self._written = content


def _read(path: Path) -> Life | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        stored = orjson.loads(path.read_bytes())
        replaced, beat_at = stored["replaced_epoch"], datetime.fromisoformat(stored["beat_at"])
        return Life(
            epoch=UUID(stored["epoch"]),
            replaced_epoch=None if replaced is None else UUID(replaced),
            beat=int(stored["beat"]),
            beat_at=beat_at,
            now=beat_at,
            timeline=stored["timeline"],
            place=stored["place"],
        )
    return None


def _write(path: Path, life: Life) -> None:
    private_files.make_directory(path.parent)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        # A loss of power must not leave an empty file, which would stop everything.
        new.touch(private_files.FILE)
        with new.open("wb") as file:
            file.write(orjson.dumps(life, default=str) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
