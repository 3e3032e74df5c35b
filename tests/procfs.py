"""Figures of running processes, as Linux shows them in /proc."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process: int) -> float:
    """Return the seconds that all threads of the process have computed."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / _TICKS


def resident_bytes(process: int) -> int:
    return _status(process, "VmRSS") * 1024


def peak_bytes(process: int) -> int:
    """Return the most that was resident since `reset_peak`."""
    return _status(process, "VmHWM") * 1024


def reset_peak(process: int) -> None:
    Path(f"/proc/{process}/clear_refs").write_text("5")


def threads(process: int) -> int:
    return _status(process, "Threads")


def descriptors(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/fd"))  # noqa: PTH208 - no Path of each is needed


def _status(process: int, name: str) -> int:
    """Return a number of the process's status, in the unit that it has there."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
