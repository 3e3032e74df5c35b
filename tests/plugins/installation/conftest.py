"""Both tools that install packages, and an index in a directory instead of the network's."""

import ensurepip
from pathlib import Path

import pytest

from plugins.installation.directory import PluginsDirectory
from plugins.installation.tools import Pip, Tool, find_tool


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of the wheels that can be asked for by name."""
    folder = tmp_path / "index"
    folder.mkdir()
    settings = tmp_path / "settings.toml"  # one named uv.toml would be found by itself
    settings.write_text(f"no-index = true\nfind-links = [{str(folder)!r}]\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def tool(request: pytest.FixtureRequest) -> Tool:
    """Return uv, or what EACH_TOOL asks for."""
    return request.getfixturevalue("pip") if getattr(request, "param", "uv") == "pip" else find_tool()


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Tool:
    # The environment of a checkout has no pip: Python's own is run out of its wheel.
    wheel = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"), None)
    if wheel is None:
        pytest.skip("this Python brings no pip: Debian has it in a package of its own")
    monkeypatch.setenv("PYTHONPATH", str(wheel))
    return Pip()


EACH_TOOL = pytest.mark.parametrize("tool", ["uv", "pip"], indirect=True)


@pytest.fixture
def directory(tmp_path: Path) -> PluginsDirectory:
    return PluginsDirectory(tmp_path / "plugins")
