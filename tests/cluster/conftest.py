"""What the tests of several machines share: a folder that every user may enter, and a migrated PostgreSQL to copy."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import postgres, programs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def cluster_folder() -> Iterator[Path]:
    """pytest's own folders let nobody in but their owner, and PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="muster-cluster-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(cluster_folder: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=cluster_folder))
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="session")
def postgres_template(cluster_folder: Path) -> Iterator[Path]:
    programs.require("initdb", "postgres", "pg_basebackup", "psql", "setpriv")
    with postgres.template(cluster_folder) as data:
        yield data


@pytest.fixture
def postgres_server(postgres_template: Path, folder: Path) -> Iterator[postgres.Server]:
    with postgres.server(postgres_template, folder / "primary") as server:
        yield server
