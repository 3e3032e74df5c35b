"""Finds the files of a folder that the demo imports: of customers, of orders and of events, by their columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.imports.actions import kind_of
from domain.imports.model import ImportKind

_ENDINGS = frozenset({".csv", ".tsv", ".txt", ".xlsx"})
_ORDER = list(ImportKind)


@dataclass(frozen=True, slots=True)
class DataFile:
    kind: ImportKind
    path: Path


def files_in(folder: Path) -> Sequence[DataFile]:
    """Return the folder's files that can be imported, customers first: orders and events are of them."""
    files: list[DataFile] = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in _ENDINGS:
            kind = kind_of(path)
            if kind is not None:
                files.append(DataFile(kind, path))
    return sorted(files, key=lambda file: _ORDER.index(file.kind))
