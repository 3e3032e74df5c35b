"""Real processes and rows for whole stories: a mail server, `muster serve`, customers who accept e-mail."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from tests.factories import NOW

ROOT = Path(__file__).parents[2]


def customer(store_id: int, number: int) -> dict[str, object]:
    return {
        "store_id": store_id,
        "id": number,
        "name": f"Customer {number}",
        "email": f"c{number}@shop.example",
        "email_verified": False,
        "phone_verified": False,
        "member": False,
        "blacklisted": False,
        "created_at": NOW,
        "updated_at": NOW,
    }


def consent(store_id: int, number: int) -> dict[str, object]:
    return {
        "store_id": store_id,
        "customer_id": number,
        "channel": "email",
        "consent": "SUBSCRIBED",
        "invalid": False,
    }


@contextmanager
def mail_server(log: Path | None = None, delay: float = 0) -> Generator[tuple[int, Callable[[], int]]]:
    """A mail server in a process of its own, which outlives every worker: its port, and how much it has taken.

    Each message is answered `delay` seconds after it was taken.
    """
    with TemporaryDirectory() as folder:
        written = log or Path(folder) / "received.log"
        written.touch()
        port = free_port()
        command = [sys.executable, "-m", "channels.email.sink.server", "--port", str(port), "--log", str(written)]
        process = subprocess.Popen([*command, "--delay", str(delay)], cwd=ROOT)
        try:
            wait_for(lambda: answers(port), "the mail server does not answer")
            yield port, lambda: written.read_bytes().count(b"\n")
        finally:
            process.terminate()
            process.wait()


@dataclass(frozen=True)
class Served:
    """A process of `muster serve`: where it answers, and what it writes."""

    popen: "subprocess.Popen[bytes]"
    host: str
    log: Path

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def process(self) -> int:
        return self.popen.pid


@contextmanager
def served(settings: Mapping[str, str], folder: Path) -> Generator[Served]:
    """`muster serve` with its workers inside, which ends with all that it has started."""
    port, log = free_port(), folder / "muster.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", "--port", str(port)],
            cwd=folder,
            env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_for(lambda: answers(port), "muster serve does not answer", 60)
            yield Served(process, f"127.0.0.1:{port}", log)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def server(settings: Mapping[str, str], folder: Path) -> Generator[str]:
    """Where `muster serve` answers."""
    with served(settings, folder) as process:
        yield process.url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(condition: Callable[[], bool], message: str, seconds: float = 20) -> None:
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, message
        sleep(0.05)
