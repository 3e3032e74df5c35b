"""An export as its maker writes it: the columns by which it is recognised, and the fields that they are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize


@dataclass(frozen=True, slots=True)
class Filled:
    """A column that says something by not being empty: a day of unsubscribing, whatever day it is, means that.

    `blank` is what stands there for an empty cell.
    """

    column: str
    means: str
    blank: str | None = None


@dataclass(frozen=True, slots=True)
class First:
    """The first of these columns that is not empty."""

    columns: Sequence[str | Filled]

    def __init__(self, *columns: str | Filled) -> None:
        object.__setattr__(self, "columns", columns)


@dataclass(frozen=True, slots=True)
class Joined:
    """All of these columns, as one text."""

    columns: Sequence[str]
    separator: str = ", "

    def __init__(self, *columns: str, separator: str = ", ") -> None:
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "separator", separator)


Source = str | Filled | First | Joined


@dataclass(frozen=True, slots=True)
class ExportPreset:
    """The columns of an export.

    A file with all of the columns of one of `marks` is such an export. `fields` are what its columns are, and
    `left_out` those of which nothing is taken. `apostrophes`: it writes one before numbers, so that spreadsheets keep
    their digits.
    """

    name: str
    marks: Sequence[Sequence[str]]
    fields: Mapping[str, Source]
    left_out: Sequence[str] = ()
    apostrophes: bool = False

    def is_of(self, names: Collection[str]) -> bool:
        """Return whether a file with columns of these names, as `same_name` has them, is such an export."""
        return any(all(same_name(column) in names for column in columns) for columns in self.marks)


def same_name(head: str) -> str:
    """Return what is left of a column's name when it does not matter how it is written: letters and digits."""
    return "".join(character for character in normalize("NFKC", head).casefold() if character.isalnum())
