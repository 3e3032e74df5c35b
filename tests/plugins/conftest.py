"""Plugins as packages bring them: real distributions on the import path."""

import os
import sys
from collections.abc import Callable
from importlib import invalidate_caches
from pathlib import Path
from textwrap import dedent

import pytest

from api.settings import child_environment
from plugins.contributions import Plugins
from plugins.isolation.limits import ChildLimits
from plugins.manager import load

ROOT = Path(__file__).parents[2]
PIGEON = """
    from dataclasses import dataclass
    from muster_sdk import AddressKind, Capabilities, hookimpl
    from pydantic import BaseModel

    class Nothing(BaseModel):
        pass

    @dataclass(frozen=True)
    class Pigeon:
        key: str = "pigeon"
        label: str = "Carrier pigeon"
        version: str = "1.0"
        address: AddressKind = AddressKind.HANDLE
        settings: type = Nothing
        content: type = Nothing
        capabilities: Capabilities = Capabilities()

        def prepare(self, content, settings, templates):
            raise NotImplementedError

        def connect(self, settings, host):
            raise NotImplementedError
"""
# A package of its own, with tests of its own: test_example.py runs them.
collect_ignore = ["example"]

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a distribution where packages are found: a module, and what pip would write beside it."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")

    def write(name: str, code: str, *, version: str = "0.3", entry_point: str | None = None) -> None:
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(dedent(PIGEON) + dedent(code))
        written = tmp_path / f"{module}-{version}.dist-info"
        written.mkdir()
        (written / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (written / "entry_points.txt").write_text(f"[muster]\n{entry_point or name} = {module}\n")
        invalidate_caches()

    return write


def find_plugins(*blocked: str) -> Plugins:
    """Return what is installed, as a server finds it when it starts."""
    return load(blocked, ChildLimits(child_environment(), 512))
