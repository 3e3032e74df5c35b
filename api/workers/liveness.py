"""Processes of this machine: one that is dead need not be waited for until its leases run out."""

import hashlib
import os
import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# What tells apart machines with one name, and containers of one machine, whose processes have numbers of their own.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_MARK = secrets.token_hex(4)


def _machine() -> str:
    """Return the name of this machine and a digest of what else it is known by, in up to 53 characters."""
    known_by = ""
    with suppress(OSError):  # a system without them has no containers either
        known_by = f"{_BOOT_ID.read_text().strip()} {_PID_NAMESPACE.readlink()}"
    return f"{socket.gethostname()[:40]}/{hashlib.sha256(known_by.encode()).hexdigest()[:12]}"


_MACHINE = _machine()


def identity(part: str) -> str:
    """Return the owner that this process signs its leases with: machine, process, and a mark that a restart changes."""
    return f"{_MACHINE}:{os.getpid()}:{_MARK}:{part}"


def dead(owners: Iterable[str]) -> list[str]:
    """Return the owners that were processes of this machine and are no more."""
    dead_owners: list[str] = []
    for owner in owners:
        machine, _, rest = owner.partition(":")
        pid, _, signature = rest.partition(":")
        if machine != _MACHINE or not pid.isdecimal():
            continue
        if int(pid) == os.getpid():
            if not signature.startswith(f"{_MARK}:"):
                dead_owners.append(owner)
            continue
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            dead_owners.append(owner)
        except (PermissionError, OverflowError):
            continue
    return dead_owners
