"""The kinds of files, and how far the import of one is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from domain.operations.model import Problem, ProblemOutcome

PIECE_BYTES = 1 << 20
MAX_PROBLEMS = 1_000


class ImportKind(StrEnum):
    CUSTOMERS = "customers"
    ORDERS = "orders"
    EVENTS = "events"

    @property
    def job(self) -> str:
        return f"import.{self.value}"


class UnmappedColumns(StrEnum):
    """The fate of columns that are mapped to no field; either way it is told."""

    LEFT_OUT = "LEFT_OUT"
    PROPERTIES = "PROPERTIES"


class DateOrder(StrEnum):
    """In which order the numbers of dates such as 1/2/2026 stand."""

    YMD = "YMD"
    DMY = "DMY"
    MDY = "MDY"


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The field that a column of a file is, as a caller says it; None for a column that is to be left out."""

    column: str
    field: str | None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The word of a caller about a file: the fields of its columns, in place of what is known of them.

    Without `date_order`, each column is looked at for the order of its dates. `create_customers`: orders bring in their
    customers, as far as the store does not have them.
    """

    mapping: Sequence[ColumnMapping] = ()
    unmapped: UnmappedColumns = UnmappedColumns.LEFT_OUT
    date_order: DateOrder | None = None
    create_customers: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "ImportOptions":
        mapping = [ColumnMapping(**column) for column in stored["mapping"]]
        order = stored["date_order"]
        return cls(
            mapping,
            UnmappedColumns(stored["unmapped"]),
            None if order is None else DateOrder(order),
            bool(stored["create_customers"]),
        )


class Phase(StrEnum):
    CONVERT = "convert"
    STAGE = "stage"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class FilledCell:
    """A cell that says something by not being empty: `means`, in place of what stands there; None for just that.

    What stands for an empty cell is `blank`.
    """

    cell: int
    means: str | None = None
    blank: str | None = None

    def read(self, record: Sequence[str]) -> str:
        text = record[self.cell]
        if not text.strip() or text.strip() == self.blank:
            return ""
        return text if self.means is None else self.means


@dataclass(frozen=True, slots=True)
class ComposedField:
    """A field that is the first of these cells that says something or, with a separator, all of them joined."""

    field: str
    cells: Sequence[FilledCell]
    separator: str | None = None

    def read(self, record: Sequence[str]) -> str:
        texts = (text for cell in self.cells if (text := cell.read(record)))
        return next(texts, "") if self.separator is None else self.separator.join(texts)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "ComposedField":
        return cls(stored["field"], [FilledCell(**cell) for cell in stored["cells"]], stored["separator"])


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
    options: ImportOptions = field(default_factory=ImportOptions)
    # How the file is written, the row of its header, and the fields that its columns are.
    encoding: str = "utf-8"
    separator: str = ","
    header_row: int = 1
    columns: Sequence[str] = ()
    # Each field's cell, or the first of its cells, where the file has others too; and the name of that cell's column.
    cells: Sequence[int] = ()
    heads: Sequence[str] = ()
    # The fields that are made of other than one cell, and the labels of properties whose keys were made of them.
    composed: Sequence[ComposedField] = ()
    property_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    # The cells of columns with a name that are no field's.
    left_out: Sequence[int] = ()
    preset: str | None = None
    # Whether an apostrophe stands before numbers.
    apostrophes: bool = False
    width: int = 0
    # The cells without a column's name whose values have been told.
    nameless: Sequence[int] = ()
    # The order of the numbers in dates that the columns were looked at for, None where nothing tells.
    date_orders: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    # Rows that say anything, cells that were left out of rows that were taken, and problems that left nothing out.
    filled_rows: int = 0
    cells_left_out: int = 0
    notice_count: int = 0
    sample_count: int = 0
    problem_count: int = 0
    # Rows are written as they are read, once all of the file is known to be text.
    direct: bool = False
    # How many rows were staged after all, and what writing carries from piece to piece.
    staged_rows: int = 0
    carried: Mapping[str, Any] = field(default_factory=dict[str, Any])
    # The value types that the values of each undefined property can all be read as.
    property_types: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    # Staged rows of customers are merged part by part, orders in the order of their customers,
    # events in the order of their rows.
    last_part: int = 0
    merged_part: int = 0
    merged_customer_id: int = 0
    merged_row: int = 0
    merged_rows: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows were read, without the header."""
        return max(self.next_row - 1 - self.header_row, 0)

    @property
    def done(self) -> int:
        """Return how many rows are dealt with: staging is the first half of the work on those that are staged."""
        staged = self.staged_rows if self.direct else self.rows
        return self.rows - (max(staged - self.merged_rows, 0) + 1) // 2

    @property
    def refused_rows(self) -> int:
        return self.problem_count - self.cells_left_out - self.notice_count

    def counting(self, problems: Sequence[Problem]) -> "Progress":
        """Return the progress after problems that follow those before."""
        outcomes = Counter(problem.outcome for problem in problems)
        return replace(
            self,
            problem_count=self.problem_count + len(problems),
            cells_left_out=self.cells_left_out + outcomes[ProblemOutcome.CELL_LEFT_OUT],
            notice_count=self.notice_count + outcomes[ProblemOutcome.NOTICE],
        )

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Progress":
        """Return the progress that is stored, by this release or by one that had other names."""
        values: dict[str, Any] = {
            _NAMES_BEFORE.get(name, name): value for name, value in stored.items() if name not in _FORGOTTEN
        }
        values["phase"] = Phase(values["phase"])
        if "options" in values:
            values["options"] = ImportOptions.of(values["options"])
            values["composed"] = [ComposedField.of(composed) for composed in values["composed"]]
        return cls(**values)


# Files of orders that were under way begin again (migration 0015).
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
