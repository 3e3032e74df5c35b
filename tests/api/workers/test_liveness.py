"""Owners of leases: who of them is certainly dead."""

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import String

from api.workers.liveness import dead, identity
from domain.jobs import Queue
from domain.jobs.tables import jobs

ROOT = Path(__file__).parents[3]
PRINT = "from api.workers.liveness import identity; print(identity('lists'), flush=True); input()"


def test_a_process_is_dead_once_it_is_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PRINT], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        assert owner.endswith(":lists")
        assert dead([owner, identity("lists")]) == []
        process.kill()
    assert dead([owner, identity("lists")]) == [owner]


def test_a_process_before_this_one_with_its_number_is_dead() -> None:
    machine, _, rest = identity("lists").partition(":")
    before = f"{machine}:{os.getpid()}:00000000:lists"
    assert rest.startswith(f"{os.getpid()}:")
    assert dead([before]) == [before]


def test_processes_of_other_machines_are_not_known() -> None:
    assert dead(["another-host/0123456789ab:1:00000000:lists", "host:999999999:mark:lists", "nobody", ""]) == []


def test_an_owner_fits_its_column() -> None:
    longest = max((queue.value for queue in Queue), key=len)
    without_name = identity(longest).partition("/")[2]
    column = jobs.c.owner.type
    assert isinstance(column, String)
    assert 40 + len("/") + len(without_name) + len("4194304") <= (column.length or 0)
