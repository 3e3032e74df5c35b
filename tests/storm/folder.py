"""Folders of storms."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Generator[Path]:
    """A folder that every user may enter, as pytest's may not: PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="muster-storm-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
