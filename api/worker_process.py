"""One process under the supervisor: a worker or the scheduler. It ends when it is told to, or when its parent dies."""

import asyncio
import gc
import os
import signal
import sys
import threading
from typing import Literal

from api import logging
from api.settings import Settings
from api.wiring import Runtime, build
from api.workers.scheduler import LIFE, keep_schedule, look_at_database

Role = Literal["worker", "scheduler"]


def command(role: Role, threads: int) -> list[str]:
    # -P keeps the working directory out of the import path.
    return [sys.executable, "-P", "-m", "api.worker_process", role, str(threads)]


async def run(runtime: Runtime, role: Role, threads: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    runtime.watchdog.watch(role, loop)
    if role == "scheduler":
        async with runtime.chores() as chores:
            await keep_schedule(chores, stop)
    else:
        consumers = runtime.consumers(threads)
        await look_at_database(runtime.services)
        consumers.start()
        async with runtime.chores() as chores:
            # Of what it sends, a backup must not be ignorant unseen, even while no scheduler runs.
            await keep_schedule([chore for chore in chores if chore.name == LIFE], stop)
        await asyncio.to_thread(consumers.stop)
    await runtime.close()


def _end_with_parent() -> None:
    """The parent holds the other end of our standard input: it closes even when the parent is killed."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(role: Role, threads: int) -> None:
    settings = Settings.from_env()
    logging.configure(settings.log_format, settings.log_level)
    runtime = build(settings)
    # As the server does: what lives as long as the process is not looked through again and again.
    gc.collect()
    gc.freeze()
    asyncio.run(run(runtime, role, threads))


if __name__ == "__main__":
    main("scheduler" if sys.argv[1] == "scheduler" else "worker", int(sys.argv[2]))
