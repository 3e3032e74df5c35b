"""Processes of this machine: one that is dead need not be waited for until its leases run out."""

import os
import secrets
import socket
from collections.abc import Iterable

_MARK = secrets.token_hex(4)


def identity(part: str) -> str:
    """What this process signs its leases with: machine, process, and a mark that a restart changes."""
    return f"{socket.gethostname()}:{os.getpid()}:{_MARK}:{part}"


def dead(owners: Iterable[str]) -> list[str]:
    """Those owners that were processes of this machine and are no more."""
    return [owner for owner in owners if _is_dead(owner)]


def _is_dead(owner: str) -> bool:
    host, _, rest = owner.partition(":")
    pid, _, signature = rest.partition(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    if int(pid) == os.getpid():
        return not signature.startswith(f"{_MARK}:")
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
