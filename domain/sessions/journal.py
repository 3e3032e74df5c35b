"""Journals: a claim's messages, begun and ended, in a local file that outlives its process.

The database knows who was about to be sent to; a journal knows who was. Its writer appends a line before and behind
each message, by one call of the system: what is written survives the process, though not the machine. Whoever takes the
batch over appends a line as well, which revokes the journal: a writer that finds more behind its line than it wrote
itself does not begin that message. The file system puts both in one order, so that what had not begun at the
revocation never will.
"""

import os
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import cache
from pathlib import Path
from uuid import UUID

import orjson
from muster_sdk import Outcome

from domain.kit import private_files
from domain.sessions import outcomes

_SUFFIX = ".journal"
_CLOSED_SUFFIX = ".closed"
_NUMBERED = "~"
_UNKNOWN_BOOT = "unknown"


class JournalUnwritable(Exception):
    """The journal cannot be written; the text, for the operator, says why."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(f"The journal of messages cannot be written: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of one batch: as many journals as claims."""

    store_id: int
    mailing_id: UUID
    number: int
    fence: int

    @property
    def file_name(self) -> str:
        return f"{self.store_id}.{self.mailing_id.hex}.{self.number}.{self.fence}{_SUFFIX}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Knowledge of a claim's messages, from its journal.

    `complete` is false after a restart of the machine, which may have lost the last lines: then nothing is known of
    messages that have no outcome.
    """

    begun: frozenset[UUID]
    outcomes: Mapping[UUID, Outcome]
    complete: bool

    def has(self, key: UUID) -> bool:
        """Return whether the message is known to have begun."""
        return key in self.begun or key in self.outcomes

    def never_began(self, key: UUID) -> bool:
        return self.complete and key not in self.begun and key not in self.outcomes


class Journal:
    """The writer's side. It is locked as long as its process lives."""

    def __init__(self, path: Path) -> None:
        """Create the journal. Raise JournalUnwritable."""
        self._lock = threading.Lock()
        self._size = 0
        self._torn = False
        try:
            private_files.make_directory(path.parent)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            flock(self._file, LOCK_EX | LOCK_NB)
        except OSError as error:
            raise JournalUnwritable(error.strerror) from error
        self._append(_header() + b"\n")

    def begin(self, key: UUID) -> bool:
        """Write that the message begins; return whether it may: a journal can be revoked. Raise JournalUnwritable."""
        with self._lock:
            self._append(b"B %s\n" % key.hex.encode())
            return os.fstat(self._file).st_size == self._size

    def end(self, key: UUID, outcome: Outcome) -> None:
        """Write the outcome. Raise JournalUnwritable."""
        with self._lock:
            self._append(b"E %s %s\n" % (key.hex.encode(), orjson.dumps(outcomes.as_values(outcome))))

    def close(self) -> None:
        os.close(self._file)

    def _append(self, line: bytes) -> None:
        if self._torn:
            # What is left of a line that was cut off must not spoil this one.
            line = b"\n" + line
        try:
            written = os.write(self._file, line)
        except OSError as error:
            raise JournalUnwritable(error.strerror) from error
        self._size += written
        self._torn = written < len(line)
        if self._torn:
            raise JournalUnwritable("the disk is full")


class JournalDirectory:
    """Holds the journals of a machine's processes; with no path there are none, and nothing is known."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def path(self, claim: Claim) -> Path | None:
        """Return where the claim's journal is to be written; None where there are none."""
        return None if self._path is None else self._path / claim.file_name

    def revoke(self, claim: Claim) -> Evidence | None:
        """Return what the claim's journal tells, whose writer begins nothing more; None where it is not here."""
        if self._path is None:
            return None
        path = self._path / claim.file_name
        told = [evidence for evidence in map(revoke, [path, *self._closed(claim)]) if evidence is not None]
        return _together(told) if told else None

    def close(self, claim: Claim) -> None:
        """Lay the claim's journal aside, whose outcomes the database has: for a while, in case that it loses them."""
        if self._path is not None:
            path = self._path / claim.file_name
            # A database that went back gives the same claim twice.
            closed = path.with_name(f"{path.stem}{_NUMBERED}{secrets.token_hex(4)}{_CLOSED_SUFFIX}")
            with suppress(FileNotFoundError):
                os.utime(path)
                path.rename(closed)

    def discard(self, claim: Claim) -> None:
        """Lay the claim's journal aside unless its process lives, which may still learn outcomes."""
        if self._path is not None and _is_unlocked(self._path / claim.file_name):
            self.close(claim)

    def all(self, since: float = 0) -> Iterator[tuple[Claim, Evidence]]:
        """Return every claim whose journal is here, under way or laid aside, and what it tells; none is revoked.

        With `since`, a time of the files' clock, those alone that were written later.
        """
        for path in self._files(f"*{_SUFFIX}", f"*{_CLOSED_SUFFIX}"):
            claim = _claim(path.stem)
            with suppress(FileNotFoundError):
                if claim is not None and path.stat().st_mtime >= since:
                    yield claim, _evidence(path.read_bytes())

    def delete_closed(self, before: float) -> None:
        """Delete the journals that were laid aside before the time, in seconds of the files' clock."""
        for path in self._files(f"*{_CLOSED_SUFFIX}"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def abandoned(self) -> Iterator[Claim]:
        """Return the claims whose processes are dead and whose journals are still here."""
        for path in self._files(f"*{_SUFFIX}"):
            claim = _claim(path.stem)
            if claim is not None and _is_unlocked(path):
                yield claim

    def _closed(self, claim: Claim) -> list[Path]:
        return self._files(f"{Path(claim.file_name).stem}{_NUMBERED}*{_CLOSED_SUFFIX}")

    def _files(self, *patterns: str) -> list[Path]:
        if self._path is None or not self._path.is_dir():
            return []
        return sorted(path for pattern in patterns for path in self._path.glob(pattern))


def revoke(path: Path) -> Evidence | None:
    """Return what the journal tells, whose writer begins nothing more; None where there is none."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
    except FileNotFoundError:
        return None
    try:
        # Behind a line that was cut off, too.
        os.write(file, b"\nR\n")
    finally:
        os.close(file)
    return _evidence(path.read_bytes())


def _evidence(content: bytes) -> Evidence:
    header, *lines = content.split(b"\n")
    begun: set[UUID] = set()
    ended: dict[UUID, Outcome] = {}
    revoked = False
    for line in lines:
        kind, _, rest = line.partition(b" ")
        # A line that was cut off, when the disk was full or the machine died, tells nothing.
        with suppress(ValueError):
            if kind == b"B" and not revoked:
                begun.add(key := UUID(hex=rest.decode()))
                # Of an attempt before, which the same claim has made.
                ended.pop(key, None)
            elif kind == b"E":
                hex_key, _, outcome = rest.partition(b" ")
                ended[UUID(hex=hex_key.decode())] = outcomes.of_values(orjson.loads(outcome))
            elif kind == b"R":
                revoked = True
    same_boot = _boot() != _UNKNOWN_BOOT and header == _header()
    return Evidence(frozenset(begun), ended, same_boot)


def _together(told: Sequence[Evidence]) -> Evidence:
    begun = frozenset[UUID]().union(*(evidence.begun for evidence in told))
    ended = {key: outcome for evidence in told for key, outcome in evidence.outcomes.items()}
    return Evidence(begun, ended, all(evidence.complete for evidence in told))


def _claim(stem: str) -> Claim | None:
    try:
        store_id, mailing_id, number, fence = stem.partition(_NUMBERED)[0].split(".")
        return Claim(int(store_id), UUID(hex=mailing_id), int(number), int(fence))
    except ValueError:
        return None


def _is_unlocked(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def _header() -> bytes:
    return f"muster-journal-1 {_boot()}".encode()


@cache
def _boot() -> str:
    """Return what changes when the machine starts anew."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return _UNKNOWN_BOOT
