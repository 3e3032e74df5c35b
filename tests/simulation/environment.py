"""What a process that simulates is given once: virtual time and dice for the modules that ask for them, small sizes."""

import gc
import importlib
import logging
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import structlog

from tests.simulation.files import Files
from tests.simulation.history import History, Outcome
from tests.simulation.loop import OWNER
from tests.simulation.storage import START, Storage
from tests.simulation.stories import deliveries, imports
from tests.simulation.world import Process, World

_PACKAGES = ("domain.", "api.", "muster_sdk")
_COLLECTED_EVERY = 200
# Sizes so small that a few customers fill several batches and a few rows several pieces.
_SIZES = (
    ("domain.deliveries.batch_sender", "BATCH_SIZE", deliveries.BATCH_SIZE),
    ("domain.deliveries.pace", "_FIRST", deliveries.WINDOW_SIZE),
    ("domain.deliveries.pace", "_FEWEST", deliveries.WINDOW_SIZE),
    # Seconds between two looks at leases: in production no time is so cheap.
    ("api.workers.leases", "_LOOK", 3.0),
    ("domain.deliveries.freeze", "BATCH_SIZE", deliveries.BATCH_SIZE),
    ("domain.imports.actions", "PIECE_BYTES", imports.PIECE_BYTES),
    ("domain.imports.orders.customer_range", "ROWS_AT_ONCE", imports.ROWS_AT_ONCE),
)


class Environment:
    """The database and the patches, for one history after another; the process that opens one does nothing else."""

    def __init__(self) -> None:
        self._storage = Storage()
        self._files = Files()
        self._histories = 0
        self._world: World | None = None
        for module_name, name, size in _SIZES:
            _patch(module_name, name, size)
        _patch("domain.kit.ids", "secrets", self)
        _patch("domain.sessions.journal", "os", self._files)
        _patch("api.workers.scheduler", "dead", self._dead)
        _patch("api.workers.runner", "end_process", self._end_process)
        for module_name, module in list(sys.modules.items()):
            if module_name.startswith(_PACKAGES):
                for name, value in list(vars(module).items()):
                    if value is time.monotonic:
                        setattr(module, name, self._monotonic)
                    elif value is time.time_ns:
                        setattr(module, name, self._time_ns)
                    elif isinstance(value, type):
                        self._patch_defaults(value)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        # To collect now and then costs less than whenever many objects are made.
        gc.freeze()
        gc.disable()

    def run(self, seed: int, *, traced: bool = False) -> Outcome:
        history = History(seed, self._storage, self._files, traced=traced)
        self._world = history.world
        self._histories += 1
        if not self._histories % _COLLECTED_EVERY:
            gc.collect()
        return history.run()

    def close(self) -> None:
        self._storage.close()
        self._files.remove()

    def randbits(self, bits: int) -> int:
        """Stand for `secrets`, where ids are made."""
        return self._now().chance.getrandbits(bits)

    def _now(self) -> World:
        assert self._world is not None
        return self._world

    def _patch_defaults(self, class_: type) -> None:
        """Replace the clock where the default of a dataclass's field reads it."""
        for cell in getattr(vars(class_).get("__init__"), "__closure__", None) or ():
            if cell.cell_contents is time.monotonic:
                cell.cell_contents = self._monotonic

    def _monotonic(self) -> float:
        process = OWNER.get()
        return self._now().loop.now - (process.behind if isinstance(process, Process) else 0)

    def _time_ns(self) -> int:
        return int((START.timestamp() + self._now().loop.now) * 1_000_000_000)

    def _dead(self, owners: Sequence[str]) -> list[str]:
        return self._now().dead(list(owners))

    def _end_process(self, part: str) -> None:
        """Stand for the end of a process that cannot be ended otherwise."""
        process = OWNER.get()
        assert isinstance(process, Process)
        self._now().end(process)


def _patch(module: str, name: str, value: object) -> None:
    imported = importlib.import_module(module)
    assert hasattr(imported, name), f"{module} has no {name}: say what it is called now"
    setattr(imported, name, value)


@contextmanager
def environment() -> Generator[Environment]:
    opened = Environment()
    try:
        yield opened
    finally:
        opened.close()
