"""The kinds of files, and how far the import of one is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PIECE_BYTES = 1 << 20
MAX_PROBLEMS = 1_000


class ImportKind(StrEnum):
    CUSTOMERS = "customers"
    ORDERS = "orders"

    @property
    def job(self) -> str:
        return f"import.{self.value}"


class Phase(StrEnum):
    CONVERT = "convert"
    STAGE = "stage"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an import: what its next step needs to know of the steps before."""

    phase: Phase = Phase.STAGE
    # The pieces of a workbook, in front of those of the CSV that it becomes; none of a file that is CSV.
    workbook_pieces: int = 0
    # Where the next record begins, and which row of the file it is.
    piece: int = 1
    offset: int = 0
    next_row: int = 1
    bytes_read: int = 0
    # How the file is written, the row of its header, its columns, and the cells of these where some have no name.
    encoding: str = "utf-8"
    separator: str = ","
    header_row: int = 1
    columns: Sequence[str] = ()
    cells: Sequence[int] = ()
    width: int = 0
    # The cells without a column's name whose values have been told.
    nameless: Sequence[int] = ()
    # The order of the numbers in dates: the one that the caller gave, else that of each column that was looked at for
    # it, None where nothing tells.
    date_order: str | None = None
    date_orders: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    problem_count: int = 0
    # Rows are written as they are read, once all of the file is known to be text.
    direct: bool = False
    # The value types that the values of each undefined property can all be read as.
    property_types: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    # Staged rows of customers are merged part by part, orders in the order of their customers.
    last_part: int = 0
    merged_part: int = 0
    merged_customer_id: int = 0
    merged_rows: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows were read, without the header."""
        return max(self.next_row - 1 - self.header_row, 0)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Progress":
        """Return the progress that is stored, by this release or by one that had other names."""
        values: dict[str, Any] = {
            _NAMES_BEFORE.get(name, name): value for name, value in stored.items() if name not in _FORGOTTEN
        }
        values["phase"] = Phase(values["phase"])
        return cls(**values)


# Files of orders that were under way begin again (migration 0014).
_FORGOTTEN = {"customer", "merged_customer"}
_NAMES_BEFORE = {
    "row": "next_row",
    "bytes_done": "bytes_read",
    "bad": "problem_count",
    "types": "property_types",
    "part": "last_part",
    "merged": "merged_rows",
}


@dataclass(frozen=True, slots=True)
class Import:
    """An import that has not ended: its kind of file, the file's length, and how far it is."""

    kind: ImportKind
    bytes: int
    progress: Progress
