"""An import's report: it tells how its file was read, and is kept as long as its problems are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_SAMPLES = 10


@dataclass(frozen=True, slots=True)
class ReportedColumn:
    """A column as the file names it, and the fields that are made of it: none where it is left out."""

    column: str
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """The rows of a file that say anything: those that were taken, whole or but for some cells, and the refused."""

    rows: int = 0
    taken: int = 0
    refused: int = 0
    cells_left_out: int = 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The way in which a file was read; `preset` names the export that it was recognised as."""

    encoding: str
    separator: str
    preset: str | None
    columns: Sequence[ReportedColumn]
    counts: ImportCounts = ImportCounts()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "ImportReport":
        columns = [ReportedColumn(**column) for column in stored["columns"]]
        return cls(stored["encoding"], stored["separator"], stored["preset"], columns, ImportCounts(**stored["counts"]))


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A row as it was read: the values of its fields, as JSON has them."""

    row: int
    fields: Mapping[str, object]
