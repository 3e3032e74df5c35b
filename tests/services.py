"""The services that tests run on, and what a run without them leaves out."""

import fcntl
import os
import socket
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import urlsplit

import pytest

# How the reason begins for which tests of several machines are left out (tests/cluster).
ONE_MACHINE = "Several machines cannot be played here without"
REQUIRED = bool(os.environ.get("MUSTER_REQUIRE_SERVICES") or os.environ.get("CI"))


@dataclass(frozen=True)
class Service:
    """A server at an address that an environment variable names."""

    name: str
    variable: str
    default: str

    @cached_property
    def url(self) -> str:
        return os.environ.get(self.variable, self.default)

    def require(self, *, required: bool = REQUIRED) -> None:
        """Skip the test when nothing answers; fail it where every service is required."""
        if self._fault is None:
            return
        if required:
            pytest.fail(self._fault, pytrace=False)
        pytest.skip(self._fault)

    @cached_property
    def _fault(self) -> str | None:
        parts = urlsplit(self.url)
        try:
            socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=3).close()
        except OSError as error:
            address = f"{parts.hostname}:{parts.port}"
            return f"{self.name} does not answer at {address} ({error}); {self.variable} says where it is"
        return None


POSTGRES = Service("PostgreSQL", "MUSTER_TEST_POSTGRES_URL", "postgresql+asyncpg://postgres@127.0.0.1:5432/postgres")
REDIS = Service("Redis", "MUSTER_TEST_REDIS_URL", "redis://127.0.0.1:6379")
RABBITMQ = Service("RabbitMQ", "MUSTER_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")


@contextmanager
def broker_turn() -> Generator[None]:
    """Wait for a turn. A broker's queues have fixed names: of all test runs on this machine, one test uses them."""
    with (Path(gettempdir()) / "muster-test-broker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def left_out(skipped: Iterable[pytest.TestReport]) -> list[str]:
    """Return a line for each service or program that is missing: how many tests were skipped for it, and why."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ") for report in skipped if isinstance(report.longrepr, tuple)
    )
    beginnings = (*(f"{service.name} does not answer" for service in (POSTGRES, REDIS, RABBITMQ)), ONE_MACHINE)
    return [
        f"{reasons[reason]} tests left out: {reason}"
        for beginning in beginnings
        for reason in sorted(reasons)
        if reason.startswith(beginning)
    ]
