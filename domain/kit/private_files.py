"""Files that hold customers' data or secrets: nobody but the process's own user reads them, whatever the umask."""

import os
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_IWOTH

FILE = 0o600
DIRECTORY = 0o700
_OTHERS = 0o077


def create(path: Path) -> None:
    """Create an empty file unless there is one. What cannot be is left to whoever opens it.

    A file that is there is not opened: to close it would end the locks that SQLite has on it in this process.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE))


def make_directory(path: Path) -> None:
    path.mkdir(mode=DIRECTORY, parents=True, exist_ok=True)


def is_trustworthy(path: Path) -> bool:
    """Return whether nobody has put this there but this user, root, or whoever has the directory that it is in."""
    if not hasattr(os, "getuid"):
        return True
    status = path.stat()
    return status.st_uid in {os.getuid(), 0, path.parent.stat().st_uid} and not status.st_mode & S_IWOTH


def tighten(*paths: Path) -> None:
    """Take from all others what they may do with these files or directories, where they are there and ours."""
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            # Windows has no such modes.
            if S_IMODE(status.st_mode) & _OTHERS and hasattr(os, "getuid") and status.st_uid == os.getuid():
                path.chmod(S_IMODE(status.st_mode) & ~_OTHERS)
