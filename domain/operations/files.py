"""Files that operations make: where they lie, for how long, and the links that lead to them."""

import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import Struct
from tempfile import TemporaryDirectory
from uuid import UUID

from domain.kit.signing import SignedTokens
from domain.operations.model import Operation, OperationFile

# As long as a vendor's report can be fetched (PT-04).
VALIDITY = timedelta(days=7)

_NAMED = re.compile(r"(?:making-)?(\d{1,10})-([0-9a-f]{32})-\d{1,10}[.\w-]*", re.ASCII)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*;%\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class FileLink:
    """Which operation's file a link opens, and until when."""

    store_id: int
    operation_id: UUID
    expires_at: datetime


class FileLinks:
    """Make and read links to files; `base` is where the server is reached."""

    PATH = "/files"

    def __init__(self, base: str, secret_key: bytes) -> None:
        self._prefix = f"{base.rstrip('/')}{self.PATH}/"
        self._tokens = SignedTokens(secret_key, "muster file link", Struct(">IQ16s"))

    def url(self, operation: Operation, now: datetime) -> str | None:
        """Return the link to the operation's file, None when it has none that can still be fetched."""
        expires_at = expiry_of(operation)
        if expires_at is None or expires_at <= now:
            return None
        return self._prefix + self._tokens.write(operation.store_id, int(expires_at.timestamp()), operation.id.bytes)

    def read(self, token: str) -> FileLink | None:
        """Return what the token of a link names, expired or not, None unless this server signed it."""
        signed = self._tokens.read(token)
        if signed is None or signed.text:
            return None
        store_id, expires_at, operation_id = signed.fields
        return FileLink(store_id, UUID(bytes=operation_id), datetime.fromtimestamp(expires_at, UTC))


def expiry_of(operation: Operation) -> datetime | None:
    """The whole second at which its file goes."""
    if operation.file is None or operation.finished_at is None:
        return None
    return (operation.finished_at + VALIDITY).replace(microsecond=0)


def download_name(wanted: str, ending: str) -> str:
    """A name that every system takes for a file's: nothing of a path, no control or direction characters."""
    plain = _UNSAFE.sub("_", wanted).strip(" .") or "report"
    return f"{plain[:_NAME_LENGTH].rstrip(' .')}.{ending}"


@dataclass(frozen=True, slots=True)
class UnfinishedFile:
    """A file that is being made, in a folder of its own that goes with whatever is left in it."""

    path: Path
    file: OperationFile


class FileDirectory:
    """A directory that all workers and servers share. A file is in it whole, or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, name: str) -> Path:
        return self._directory / name

    @contextmanager
    def create(self, store_id: int, operation_id: UUID, attempt: int, name: str) -> Generator[UnfinishedFile]:
        """`name`: what it is called when it is fetched. What an earlier attempt left behind goes first."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.remove_all_of(store_id, operation_id)
        whose = f"{store_id}-{operation_id.hex}-{attempt}"
        prefix = f"making-{whose}-"
        with TemporaryDirectory(dir=self._directory, prefix=prefix, ignore_cleanup_errors=True) as folder:
            yield UnfinishedFile(Path(folder) / "file", OperationFile(f"{whose}{Path(name).suffix}", name))

    def publish(self, making: UnfinishedFile) -> None:
        making.path.replace(self.path(making.file.stored_name))

    def remove(self, stored: str) -> None:
        self.path(stored).unlink(missing_ok=True)

    def remove_all_of(self, store_id: int, operation_id: UUID) -> None:
        """Everything of an operation."""
        for left in self._directory.glob(f"*{store_id}-{operation_id.hex}-*"):
            _remove(left)

    def owners(self) -> dict[str, UUID]:
        """What lies here, and of which operation it is; what is none of ours is left alone."""
        if not self._directory.is_dir():
            return {}
        named = ((entry.name, _NAMED.fullmatch(entry.name)) for entry in self._directory.iterdir())
        return {name: UUID(found[2]) for name, found in named if found is not None}

    def clear(self, name: str) -> None:
        _remove(self.path(name))


def _remove(left: Path) -> None:
    if left.is_dir():
        shutil.rmtree(left, ignore_errors=True)
    else:
        left.unlink(missing_ok=True)
