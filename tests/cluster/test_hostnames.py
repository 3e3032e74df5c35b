"""Containers with one hostname and process numbers of their own do not take each other's living workers for dead."""

import subprocess
import sys
from contextlib import ExitStack

from api.workers.liveness import dead
from tests.cluster import programs
from tests.journeys.processes import ROOT

# A process whose number nobody has out here, so that it looks dead to whoever goes by the number alone.
IDENTIFY = """
import os, sys
from pathlib import Path

outside = {int(entry) for entry in sys.argv[1].split()}
free = next(pid for pid in range(2000, 30000) if pid not in outside)
Path("/proc/sys/kernel/ns_last_pid").write_text(str(free - 1))
if os.fork() == 0:
    assert os.getpid() == free
    from api.workers.liveness import identity
    print(identity("lists"), flush=True)
    sys.stdin.read()
else:
    os.wait()
"""


def test_living_workers_of_another_container_are_left_alone() -> None:
    programs.require("unshare", "setpriv", root=True)
    numbers = subprocess.run(["ps", "-eo", "pid="], capture_output=True, text=True, check=True).stdout
    with ExitStack() as stack:
        owners: list[str] = []
        for _ in range(2):
            unshare = programs.command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
            process = stack.enter_context(
                subprocess.Popen(
                    [*unshare, sys.executable, "-c", IDENTIFY, " ".join(numbers.split())],
                    cwd=ROOT,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            owners.append(process.stdout.readline().strip())
        assert all(owner.endswith(":lists") for owner in owners)
        assert len({owner.partition(":")[0] for owner in owners}) == 2
        assert len({owner.partition("/")[0] for owner in owners}) == 1
        assert dead(owners) == []
