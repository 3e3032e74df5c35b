"""What the server keeps to, whatever is sent to it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

from tests import procfs
from tests.hostile.doors import Answer

CPU_SECONDS = 0.5
GROWTH_BYTES = 50 << 20
# Of what else the process does meanwhile, a second or third try is free.
TRIES = 3
# What shows that a failure was not meant to be seen: code, statements, drivers.
GIVEAWAYS = (
    "Traceback (most",
    'File "/',
    "site-packages",
    "sqlalchemy",
    "asyncpg",
    "aiosqlite",
    "[SQL:",
    "[parameters",
)


@dataclass
class Promises:
    """Holds a process to them: no failure, little work, little memory, and nothing secret in answers or in the log.

    `secrets` are in no answer; `persons` are a store's own data, which its answers show, and no line of the log.
    """

    process: int
    log: Path
    secrets: Sequence[str]
    persons: Sequence[str]
    _read: int = field(default=0, init=False)

    def kept(self, send: Callable[[], Sequence[Answer]], *, cpu: float = CPU_SECONDS) -> Sequence[Answer]:
        """Send, and return the answers. Raise AssertionError when a promise is broken."""
        computed, grown = 0.0, 0
        for _ in range(TRIES):
            procfs.reset_peak(self.process)
            resident, before = procfs.resident_bytes(self.process), procfs.cpu_seconds(self.process)
            answers = send()
            computed = procfs.cpu_seconds(self.process) - before
            grown = procfs.peak_bytes(self.process) - resident
            for answer in answers:
                self.check(answer)
            self.check_log()
            if computed <= cpu and grown <= GROWTH_BYTES:
                return answers
        assert computed <= cpu, f"{computed:.2f} s of CPU: {cpu} s at most"
        raise AssertionError(f"{grown >> 20} MiB of memory: {GROWTH_BYTES >> 20} MiB at most")

    def check(self, answer: Answer) -> None:
        assert not 500 <= answer.status < 600, answer
        assert answer.status not in {1006, 1011}, answer
        assert "INTERNAL" not in answer.codes, answer
        text = answer.text
        assert [word for word in (*self.secrets, *GIVEAWAYS) if word in text] == [], text[:2_000]

    def check_log(self) -> None:
        """Look into what was logged since the last look."""
        # All of them: what one case has done is no other's.
        for line in list(self._lines()):
            assert [word for word in (*self.secrets, *self.persons) if word in line] == [], line
            assert "Traceback (most" not in line, line
            level = json.loads(line).get("level") if line.startswith("{") else None
            assert level not in {"error", "critical"}, line

    def _lines(self) -> Iterator[str]:
        with self.log.open("rb") as file:
            file.seek(self._read)
            while (line := file.readline()).endswith(b"\n"):
                self._read += len(line)
                yield line.decode(errors="replace")

    def settle(self) -> None:
        """Wait until the process has nothing to do."""
        idle = 0
        while idle < 2:
            before = procfs.cpu_seconds(self.process)
            sleep(0.05)
            idle = idle + 1 if procfs.cpu_seconds(self.process) - before <= 0.01 else 0
