"""Processes of this machine: one that is dead need not be waited for until its leases run out."""

import os
import secrets
import socket
from collections.abc import Iterable

_MARK = secrets.token_hex(4)


def identity(part: str) -> str:
    """Return the owner that this process signs its leases with: machine, process, and a mark that a restart changes."""
    return f"{socket.gethostname()}:{os.getpid()}:{_MARK}:{part}"


def dead(owners: Iterable[str]) -> list[str]:
    """Return the owners that were processes of this machine and are no more."""
    dead_owners: list[str] = []
    for owner in owners:
        host, _, rest = owner.partition(":")
        pid, _, signature = rest.partition(":")
        if host != socket.gethostname() or not pid.isdecimal():
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
