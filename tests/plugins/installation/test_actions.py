"""Plugins are installed, replaced and removed as wholes, by uv and by pip."""

import os
from collections.abc import Callable
from importlib.metadata import distributions, version
from pathlib import Path

import pytest

from domain.kit.errors import DomainError
from plugins.installation import actions
from plugins.installation.directory import PluginsDirectory
from plugins.installation.tools import Tool, ToolFailed
from tests.plugins.installation.conftest import EACH_TOOL
from tests.plugins.installation.wheels import write_wheel

pytestmark = pytest.mark.slow


def installed(directory: PluginsDirectory) -> dict[str, str]:
    packages = directory.packages
    return (
        {} if packages is None else {package.name: package.version for package in distributions(path=[str(packages)])}
    )


@EACH_TOOL
def test_a_wheel_is_installed_with_what_the_host_has_not(index: Path, directory: PluginsDirectory, tool: Tool) -> None:
    write_wheel(index, "feathers", plugin=False)
    write_wheel(index, "pydantic", version=version("pydantic"), plugin=False)
    needs = ("feathers>=1", "muster-sdk>=0.1", "pydantic>=2")
    wheel = write_wheel(index.parent, "pigeon-post", requires=needs)
    assert actions.install(directory, tool, str(wheel)) == "pigeon-post"
    assert installed(directory) == {"pigeon-post": "1.0", "feathers": "1.0"}


def test_plugins_join_those_that_are_there_and_go_with_what_they_alone_need(
    index: Path, directory: PluginsDirectory, tool: Tool
) -> None:
    for name in ("feathers", "corn", "eggs"):
        write_wheel(index, name, plugin=False)
    write_wheel(index, "pigeon-post", requires=("feathers", "corn"))
    wheel = write_wheel(index.parent, "hen-house", requires=("corn", 'eggs; python_version < "3"'))
    actions.install(directory, tool, "pigeon_post>=1")
    actions.install(directory, tool, str(wheel))
    wheel.unlink()
    actions.reinstall(directory, tool)
    assert installed(directory) == {"pigeon-post": "1.0", "feathers": "1.0", "corn": "1.0", "hen-house": "1.0"}
    actions.remove(directory, "Pigeon_Post")
    assert installed(directory) == {"hen-house": "1.0", "corn": "1.0"}
    actions.remove(directory, "hen-house")
    assert installed(directory) == {}
    assert directory.packages is not None
    assert not any(path.suffix == ".py" for path in directory.packages.rglob("*"))


def test_another_version_takes_the_place_of_one(index: Path, directory: PluginsDirectory, tool: Tool) -> None:
    actions.install(directory, tool, str(write_wheel(index.parent, "pigeon-post")))
    running = directory.packages
    actions.install(directory, tool, str(write_wheel(index.parent, "pigeon-post", version="0.9")))
    assert installed(directory) == {"pigeon-post": "0.9"}
    assert running is not None
    assert (running / "pigeon_post" / "__init__.py").exists(), "a server that runs may import more of it"


def test_a_set_is_deleted_when_it_was_replaced_a_week_ago(directory: PluginsDirectory, index: Path, tool: Tool) -> None:
    wheel = str(write_wheel(index.parent, "pigeon-post"))
    actions.install(directory, tool, wheel)
    old = directory.current
    actions.install(directory, tool, wheel)
    assert old is not None
    moment = old.path.stat().st_mtime - 8 * 86_400
    os.utime(old.path, (moment, moment))
    actions.install(directory, tool, wheel)
    assert not old.path.exists()
    assert len(list(directory.path.glob("set-*"))) == 2


Prepare = Callable[[Path, Path], str]
REFUSED: dict[str, tuple[Prepare, str]] = {
    "no path": (lambda folder, index: str(folder / "nothing"), "There is no /"),
    "a directory without a package": (lambda folder, index: str(index), "is no package"),
    "a name that is none": (lambda folder, index: "a b", "neither a directory nor a wheel"),
    "a package that is nowhere": (lambda folder, index: "no-such", "has no such package"),
    "a package of the host": (lambda folder, index: "pydantic>=2", "Muster's own environment already"),
    "a wheel of a package of the host": (
        lambda folder, index: str(write_wheel(folder, "pluggy")),
        "Muster's own environment already",
    ),
    "a wheel without a plugin": (
        lambda folder, index: str(write_wheel(folder, "feathers", plugin=False)),
        "[project.entry-points.muster]",
    ),
    "a package without a plugin": (
        lambda folder, index: write_wheel(index, "corn", plugin=False).name.partition("-")[0],
        "no plugin",
    ),
    "another version of the SDK": (
        lambda folder, index: str(write_wheel(folder, "old", requires=("muster-sdk>=9",))),
        "another version of the SDK",
    ),
    "another version of a package of the host": (
        lambda folder, index: str(write_wheel(folder, "old", requires=("pydantic<2",))),
        "pydantic<2",
    ),
    "something that is nowhere": (lambda folder, index: str(write_wheel(folder, "old", requires=("ore",))), "ore"),
    "a file that is no wheel": (lambda folder, index: _written(folder / "a-1.0-py3-none-any.whl"), "no metadata"),
    "a name that no wheel has": (lambda folder, index: _written(folder / "a.whl"), "not named as wheels are"),
}


def _written(path: Path) -> str:
    path.write_text("nothing")
    return str(path)


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_plugin_leaves_all_as_it_was(index: Path, directory: PluginsDirectory, tool: Tool, what: str) -> None:
    actions.install(directory, tool, str(write_wheel(index.parent, "pigeon-post")))
    before = directory.current
    files = sorted(directory.path.rglob("*"))
    prepare, reason = REFUSED[what]
    request = prepare(index.parent, index)
    with pytest.raises(DomainError, match=r".") as refused:
        actions.install(directory, tool, request)
    assert reason in refused.value.message
    assert "\n" not in refused.value.message
    assert directory.current == before
    assert sorted(directory.path.rglob("*")) == files


@EACH_TOOL
def test_a_needed_version_of_the_sdk_is_told(index: Path, directory: PluginsDirectory, tool: Tool) -> None:
    wheel = write_wheel(index.parent, "old", requires=("muster-sdk>=9",))
    with pytest.raises(DomainError, match=r"old 1.0 needs another version of the SDK: muster-sdk>=9, and here is"):
        actions.install(directory, tool, str(wheel))


@EACH_TOOL
def test_a_network_that_is_away_is_told(
    index: Path, directory: PluginsDirectory, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"UV_HTTP_RETRIES": "0", "PIP_RETRIES": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("UV_CONFIG_FILE", "PIP_NO_INDEX"):
        monkeypatch.delenv(name)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(ToolFailed, match="is the network away"):
        actions.install(directory, tool, "muster-no-such-plugin")


def test_what_is_not_installed_is_not_removed(directory: PluginsDirectory) -> None:
    with pytest.raises(DomainError, match=r"pigeon is not installed by .*; installed are: none"):
        actions.remove(directory, "pigeon")
    assert not directory.path.exists()
