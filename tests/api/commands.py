"""Runs commands as processes, forked from one that has imported everything: each alone would take a second."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["api.app", "api.cli", "api.demo.run", "api.doctor", "api.import_file"])


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def muster(*arguments: str, cwd: Path, **settings: str) -> Done:
    """Run `muster` with these arguments; return its output and exit status."""
    # The process that others are forked from has the environment of the first test.
    environment = {**os.environ, **settings}
    written = [cwd / f".{name}" for name in ("stdout", "stderr")]
    process = _CONTEXT.Process(target=_run, args=(arguments, cwd, written, environment))
    process.start()
    process.join(60)
    assert process.exitcode is not None, f"muster {' '.join(arguments)} does not end"
    stdout, stderr = (path.read_text() for path in written)
    for path in written:
        path.unlink()
    return Done(process.exitcode, stdout, stderr)


def _run(arguments: tuple[str, ...], cwd: Path, written: list[Path], environment: Mapping[str, str]) -> None:
    for number, path in enumerate(written, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.argv = ["muster", *arguments]
    from api.cli import main

    main()
