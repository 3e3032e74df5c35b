"""The commands: one line for what a user can correct, and plugins that outlive every `make`."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.api.commands import muster
from tests.journeys.processes import ROOT
from tests.plugins.installation.wheels import write_wheel

pytestmark = pytest.mark.slow


def test_plugins_outlive_a_new_environment(index: Path, tmp_path: Path) -> None:
    """The lock file was changed, as by a `git pull`: uv syncs, and deletes what is not of the lock file."""
    wheel = write_wheel(tmp_path, "pigeon-post")
    installed = muster("plugins", "install", str(wheel), cwd=tmp_path)
    assert (installed.returncode, installed.stderr) == (0, "")
    assert "dimension pigeon_post" in installed.stdout
    (ROOT / "uv.lock").touch()
    environment = {name: value for name, value in os.environ.items() if name != "UV_CONFIG_FILE"}
    subprocess.run(["make", ".venv/.synced"], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert (ROOT / ".venv" / ".synced").stat().st_mtime >= (ROOT / "uv.lock").stat().st_mtime
    listed = muster("plugins", cwd=tmp_path)
    assert (listed.returncode, "dimension pigeon_post" in listed.stdout) == (0, True)
    removed = muster("plugins", "remove", "pigeon-post", cwd=tmp_path)
    assert removed.returncode == 0
    assert "pigeon_post" not in muster("plugins", cwd=tmp_path).stdout


def test_what_a_user_can_correct_is_one_line(index: Path, tmp_path: Path) -> None:
    for arguments, reason in [
        (("install", "./nothing"), "There is no "),
        (("install", str(index)), "is no package"),
        (("remove", "pigeon"), "is not installed"),
        (("new", "Pigeon"), "such as pigeon-post"),
        (("new", "email"), "an installed channel"),
        (("new", "pigeon-post", "--path", "."), "not empty"),
    ]:
        done = muster("plugins", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert reason in done.stderr
        assert done.stderr.startswith("muster: ")
    wrong = muster("plugins", "new", "pigeon-post", "--address", "PIGEON", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "EMAIL" in wrong.stderr


def test_a_directory_that_cannot_be_written_is_told(index: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    wheel = write_wheel(tmp_path, "pigeon-post")
    done = muster("plugins", "install", str(wheel), cwd=tmp_path, MUSTER_PLUGINS_DIR=str(tmp_path / "taken"))
    assert (done.returncode, done.stderr) == (1, f"muster: {tmp_path / 'taken'}: File exists\n")


def test_a_new_plugin_is_installed_from_its_folder(tmp_path: Path) -> None:
    """The whole way of the guide's first minutes, with the build that it needs."""
    begun = muster("plugins", "new", "pigeon-post", "--label", "Pigeons", "--address", "HANDLE", cwd=tmp_path)
    assert begun.returncode == 0, begun.stderr
    # The process that commands are forked from may have the settings of a test without a network.
    settings = tmp_path / "settings.toml"
    settings.write_text("")
    installed = muster("plugins", "install", "./pigeon-post", cwd=tmp_path, UV_CONFIG_FILE=str(settings))
    assert installed.returncode == 0, installed.stderr
    assert ["pigeon-post", "pigeon-post", "0.1.0"] in [line.split()[:3] for line in installed.stdout.splitlines()]
