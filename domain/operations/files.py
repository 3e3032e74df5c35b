"""Files that operations make: the directory that stores them, how long they are valid, and signed links to them."""

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

from domain.kit import private_files
from domain.kit.signing import SignedTokens
from domain.operations.model import Operation, OperationFile

# As long as a vendor's report can be fetched (PT-04).
VALIDITY = timedelta(days=7)

_STORED_NAME = re.compile(r"(?:making-)?(\d{1,10})-([0-9a-f]{32})-\d{1,10}[.\w-]*", re.ASCII)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*;%\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class FileLink:
    """An operation whose file a link opens until it expires."""

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
    """Return the whole second at which the operation's file expires, None when it has no file."""
    if operation.file is None or operation.finished_at is None:
        return None
    return (operation.finished_at + VALIDITY).replace(microsecond=0)


def download_name(title: str, ending: str) -> str:
    """Return a file name that every system accepts: nothing of a path, no control or direction characters."""
    plain = _UNSAFE.sub("_", title).strip(" .") or "report"
    return f"{plain[:_NAME_LENGTH].rstrip(' .')}.{ending}"


@dataclass(frozen=True, slots=True)
class UnfinishedFile:
    """A file that is being made, in a folder of its own that is deleted with whatever is in it."""

    path: Path
    file: OperationFile


class FileDirectory:
    """A directory that all workers and servers share. A file is in it entire, or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, name: str) -> Path:
        return self._directory / name

    @contextmanager
    def create(self, store_id: int, operation_id: UUID, attempt: int, name: str) -> Generator[UnfinishedFile]:
        """Give a place to write the operation's file; `name` is its name when it is downloaded.

        Files of earlier attempts are deleted first.
        """
        private_files.make_directory(self._directory)
        self.remove_all_of(store_id, operation_id)
        stem = f"{store_id}-{operation_id.hex}-{attempt}"
        prefix = f"making-{stem}-"
        with TemporaryDirectory(dir=self._directory, prefix=prefix, ignore_cleanup_errors=True) as folder:
            yield UnfinishedFile(Path(folder) / "file", OperationFile(f"{stem}{Path(name).suffix}", name))

    def publish(self, unfinished: UnfinishedFile) -> None:
        unfinished.path.chmod(private_files.FILE)
        unfinished.path.replace(self.path(unfinished.file.stored_name))

    def remove(self, stored_name: str) -> None:
        """Delete a file, or the folder of an unfinished one, if it is there."""
        path = self.path(stored_name)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def remove_all_of(self, store_id: int, operation_id: UUID) -> None:
        for path in self._directory.glob(f"*{store_id}-{operation_id.hex}-*"):
            self.remove(path.name)

    def owners(self) -> dict[str, UUID]:
        """Return the operation of each file here, finished or not; a file that has another name is ignored."""
        if not self._directory.is_dir():
            return {}
        matches = (_STORED_NAME.fullmatch(path.name) for path in self._directory.iterdir())
        return {match[0]: UUID(match[2]) for match in matches if match is not None}
