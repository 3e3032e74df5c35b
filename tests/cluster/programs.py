"""The programs and rights that the tests of several machines need, and processes that never outlive the test run."""

import os
import shutil
import signal
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.services import ONE_MACHINE, REQUIRED

_POSTGRES_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_RABBITMQ_FOLDERS = [Path("/usr/lib/rabbitmq/bin"), Path("/usr/sbin")]


def path_of(name: str) -> str | None:
    """Return where the program is; Debian has some that are on nobody's path."""
    for folder in [*_POSTGRES_FOLDERS, *_RABBITMQ_FOLDERS]:
        if (folder / name).exists():
            return str(folder / name)
    return shutil.which(name)


def require(*names: str, root: bool = False, required: bool = REQUIRED) -> None:
    """Skip the test when a program or the rights are missing; fail it where everything is required."""
    missing = [name for name in names if path_of(name) is None]
    if root and os.geteuid() != 0:
        missing.append("the rights of root")
    if not missing:
        return
    message = f"{ONE_MACHINE} {', '.join(missing)}"
    if required:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def command(*arguments: str, user: str | None = None, namespace: str | None = None) -> list[str]:
    """Return the command: on the host of a network namespace, as a user who is not root, killed when we are."""
    program = path_of(arguments[0])
    assert program is not None
    inside = ["ip", "netns", "exec", namespace] if namespace else []
    rights = ["--reuid", user, "--regid", user, "--init-groups"] if user and os.geteuid() == 0 else []
    return [*inside, "setpriv", "--pdeathsig", "KILL", *rights, program, *arguments[1:]]


def run(
    *arguments: str,
    user: str | None = None,
    namespace: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run the command to its end, and return what it printed. Raise AssertionError with its complaint."""
    done = subprocess.run(
        command(*arguments, user=user, namespace=namespace),
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def start(
    *arguments: str,
    log: Path,
    user: str | None = None,
    namespace: str | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> "subprocess.Popen[bytes]":
    """Start the command in a session of its own, its words in the log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command(*arguments, user=user, namespace=namespace),
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=output,
            cwd=cwd or "/",
            start_new_session=True,
        )


@contextmanager
def running(
    *arguments: str,
    log: Path,
    user: str | None = None,
    namespace: str | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Generator["subprocess.Popen[bytes]"]:
    """A command that runs, and is killed with all that it started in its session."""
    process = start(*arguments, log=log, user=user, namespace=namespace, environment=environment, cwd=cwd)
    try:
        yield process
    finally:
        kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process and all that it started in its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def owned_by(user: str, folder: Path, *, recursive: bool = False) -> None:
    """Give the folder to the user, where we may."""
    if os.geteuid() == 0:
        for path in [folder, *(folder.rglob("*") if recursive else ())]:
            shutil.chown(path, user, user)
