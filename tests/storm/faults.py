"""Faults: what each does, which cells have it, and how many deliveries it may leave unknown."""

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from shutil import rmtree
from time import sleep

from domain.deliveries.pace import WINDOW_SECONDS
from tests.storm.proxy import Line
from tests.storm.scene import TREES, Cell, Scene
from tests.storm.trees import CHANNEL

# What the e-mail channel opens for a batch, and the batches that a process sends at a time.
_SESSIONS = 4
_BATCHES = 4
_FIRST_WINDOW = 8
# For what is frozen: another process looks for due jobs every 8 seconds at most.
_TAKEOVER_SECONDS = 10.0


@dataclass(frozen=True)
class Fault:
    """Lasts for about so many seconds. Where no process dies and no answer is lost, nothing may be unknown.

    Otherwise it is what was in flight: so many messages, or all of so many windows where the machine died.
    """

    run: Callable[[Scene, Random, float], None]
    messages: int = 0
    windows: int = 0
    cells: Callable[[Cell], bool] = lambda _cell: True

    @property
    def deadly(self) -> bool:
        return self.may_be_unknown(1) > 0

    def may_be_unknown(self, delay: float) -> int:
        """Return how many deliveries it may leave unknown, where each message takes `delay` seconds."""
        window = max(_FIRST_WINDOW, WINDOW_SECONDS / delay * _SESSIONS)
        return self.messages + round(self.windows * window)


def _kill_tree(scene: Scene, rng: Random, seconds: float) -> None:
    tree = rng.choice(scene.trees)
    tree.kill()
    sleep(rng.uniform(0, seconds))
    tree.start()


def _kill_machine(scene: Scene, rng: Random, seconds: float) -> None:
    """Kill a tree, whose journals are lost."""
    tree = rng.choice(scene.trees)
    tree.kill()
    if scene.journals.exists():
        rmtree(scene.journals)
    sleep(rng.uniform(0, seconds))
    tree.start()


def _kill_worker(scene: Scene, rng: Random, seconds: float) -> None:
    rng.choice(scene.trees).kill_worker(rng.choice)


def _kill_channel(scene: Scene, rng: Random, seconds: float) -> None:
    if channels := [process for tree in scene.trees for process in tree.processes(CHANNEL)]:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(channels), signal.SIGKILL)


def _freeze(scene: Scene, rng: Random, seconds: float) -> None:
    tree = rng.choice(scene.trees)
    tree.signal(signal.SIGSTOP)
    sleep(rng.uniform(0, seconds))
    tree.signal(signal.SIGCONT)


def _freeze_beyond_lease(scene: Scene, rng: Random, seconds: float) -> None:
    """Freeze a tree until another has its jobs; whether its lease runs out in a minute or at once is all the same."""
    tree = rng.choice(scene.trees)
    tree.signal(signal.SIGSTOP)
    while not scene.expire_leases():
        tree.signal(signal.SIGCONT)
        sleep(rng.uniform(0, 0.3))
        tree.signal(signal.SIGSTOP)
    sleep(_TAKEOVER_SECONDS + rng.uniform(0, seconds))
    tree.signal(signal.SIGCONT)


def _restart_database(scene: Scene, rng: Random, seconds: float) -> None:
    assert scene.server is not None
    scene.server.stop(signal.SIGQUIT)
    sleep(rng.uniform(0, seconds))
    scene.server.start()


def _lock_database(scene: Scene, rng: Random, seconds: float) -> None:
    with closing(sqlite3.connect(scene.sqlite_file, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        sleep(rng.uniform(0, seconds))


def _cut(name: str, *lines: Line) -> Callable[[Scene, Random, float], None]:
    def run(scene: Scene, rng: Random, seconds: float) -> None:
        scene.lines[name].cut(rng.choice(lines))
        sleep(rng.uniform(0, seconds))
        scene.lines[name].mend()

    return run


def _wipe_broker(scene: Scene, rng: Random, seconds: float) -> None:
    scene.wipe_broker()


def _shift_clock(scene: Scene, rng: Random, seconds: float) -> None:
    """Replace a tree, which is told to end, by one whose clock is wrong by up to two days, and stands."""
    tree = rng.choice(scene.trees)
    tree.end()
    tree.start(datetime.now(UTC) + timedelta(hours=rng.uniform(-48, 48)))


def _on_postgresql(cell: Cell) -> bool:
    return cell.database == "postgresql"


def _with_broker(cell: Cell) -> bool:
    return cell.broker != "memory"


_OPEN = _SESSIONS * _BATCHES
FAULTS = {
    "kill_tree": Fault(_kill_tree, 2 * _OPEN),
    "kill_machine": Fault(_kill_machine, windows=2 * _BATCHES),
    "kill_worker": Fault(_kill_worker, 2 * _OPEN),
    "kill_channel": Fault(_kill_channel, 2 * _SESSIONS),
    # Each connection has a message whose answer is lost.
    "lose_mail": Fault(_cut("smtp", Line.LOST), _OPEN * TREES),
    "freeze": Fault(_freeze),
    "freeze_beyond_lease": Fault(_freeze_beyond_lease),
    "restart_database": Fault(_restart_database, cells=_on_postgresql),
    "cut_database": Fault(_cut("database", Line.HELD, Line.LOST), cells=_on_postgresql),
    "lock_database": Fault(_lock_database, cells=lambda cell: cell.database == "sqlite"),
    "cut_broker": Fault(_cut("broker", Line.HELD, Line.LOST), cells=_with_broker),
    "hold_mail": Fault(_cut("smtp", Line.HELD)),
    "wipe_broker": Fault(_wipe_broker, cells=_with_broker),
    "shift_clock": Fault(_shift_clock),
}
