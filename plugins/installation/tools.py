"""The tools that fetch and build packages: uv, as the Makefile has it, or pip."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from domain.kit.errors import DomainError

_ROOT = Path(__file__).parents[2]
_NETWORK = ("error sending request", "dns error", "failed to fetch", "newconnectionerror", "network is unreachable")
_UNKNOWN = (
    "was not found in the package registry",
    "was not found in the provided package",
    "no matching distribution found",
)
_LONGEST = 600


class ToolFailed(DomainError):
    """A package could not be fetched, built or installed; the message has the tool's reason."""


class Tool(Protocol):
    def build_wheel(self, source: Path, wheels: Path) -> None:
        """Build the wheel of the package whose source this is. Raise ToolFailed."""
        ...

    def install(self, requests: Sequence[str], packages: Path, host: Mapping[str, str]) -> None:
        """Install requirements and wheels with all that they need, without the host's packages. Raise ToolFailed.

        `host` has the versions of the host's packages by name.
        """
        ...


@dataclass(frozen=True, slots=True)
class Uv:
    program: str

    def build_wheel(self, source: Path, wheels: Path) -> None:
        command = [self.program, "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", str(wheels)]
        _run([*command, str(source)], wheels)

    def install(self, requests: Sequence[str], packages: Path, host: Mapping[str, str]) -> None:
        excluded = packages.with_name("host.txt")
        excluded.write_text("".join(f"{name}\n" for name in host))
        command = [self.program, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(packages)]
        _run([*command, "--excludes", str(excluded), *requests], packages)
        excluded.unlink()


@dataclass(frozen=True, slots=True)
class Pip:
    def build_wheel(self, source: Path, wheels: Path) -> None:
        _run([*_pip("wheel"), "--no-deps", "--wheel-dir", str(wheels), str(source)], wheels)

    def install(self, requests: Sequence[str], packages: Path, host: Mapping[str, str]) -> None:
        constraints = packages.with_name("host.txt")
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in host.items()))
        # With --target, pip would not see what the host has: what is missing beside the host is found out first.
        plan = _run(
            [*_pip("install"), "--dry-run", "--report", "-", "--constraint", str(constraints), *requests], packages
        )
        missing = [item["download_info"]["url"] for item in json.loads(plan)["install"]]
        if missing:
            _run([*_pip("install"), "--no-deps", "--target", str(packages), *missing], packages)
        constraints.unlink()


def find_tool() -> Tool:
    """Return the Makefile's uv in a checkout, elsewhere pip, or a uv on PATH. Raise ToolFailed when there is none."""
    script = _ROOT / ".ci" / "uv"
    if script.is_file():
        return Uv(str(_ROOT / _run(["sh", str(script)], _ROOT).strip()))
    if find_spec("pip") is not None:
        return Pip()
    uv = shutil.which("uv")
    if uv is None:
        raise ToolFailed("There is no installer: install uv, or pip beside this Python")
    return Uv(uv)


def _pip(command: str) -> list[str]:
    # -P keeps the working directory out of the import path.
    return [sys.executable, "-P", "-m", "pip", command, "--quiet", "--disable-pip-version-check"]


def _run(command: Sequence[str], directory: Path) -> str:
    """Return the output. The working directory is none of the user's: tools read settings of the project there."""
    done = subprocess.run(  # noqa: S603 - an operator's command line, without a shell
        command, cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ToolFailed(_reason(done.stderr or done.stdout))
    return done.stdout


def _reason(output: str) -> str:
    """Return the tool's reason in a line, after the cause where that is one of the usual."""
    # uv draws a tree of its reasons.
    words = [word for word in output.split() if word.isascii() or word.strip("\u00d7\u2570\u2500\u25b6\u251c\u2502")]
    text = " ".join(words)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
    lower = output.lower()
    if any(sign in lower for sign in _NETWORK):
        return f"The package index does not answer; is the network away? {text}"
    if any(sign in lower for sign in _UNKNOWN):
        return f"The package index has no such package: {text}"
    return f"The package cannot be installed: {text}"
