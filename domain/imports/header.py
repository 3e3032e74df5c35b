"""Reads the first row of a file: which columns it has, and whether they suffice."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from domain.imports import csv_reader
from domain.imports.csv_reader import Unreadable
from domain.imports.format import ImportFormat
from domain.imports.model import PIECE_BYTES
from domain.kit.errors import DomainError, ErrorCode

MAX_COLUMNS = 1_000


def read_header(start: bytes, file_format: ImportFormat) -> list[str]:
    """Return the names of a file's columns. Raise DomainError when this cannot be the start of such a file."""
    csv_reader.check_bytes(start)
    is_whole_file = len(start) < PIECE_BYTES
    record = csv_reader.read_first(start, final=is_whole_file)
    if record is None:
        csv_reader.check_length(start, 1)
        raise Unreadable("The header is longer than 1 MiB", 1)
    names = [name.strip() for name in record]
    if len(names) > MAX_COLUMNS:
        message = f"The file has {len(names):,} columns: {MAX_COLUMNS:,} at most"
        raise DomainError(message, field=("file",), code=ErrorCode.LIMIT_EXCEEDED)
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise header_error(f"The column {repeated[0]!r} comes twice")
    file_format.check_columns(names)
    return names


def refuse_unknown(names: Iterable[str], is_known: Callable[[str], bool], known: Sequence[str]) -> None:
    """Raise DomainError with the first column that is unknown, and with those that there are."""
    unknown = next((name for name in names if not is_known(name)), None)
    if unknown is not None:
        raise header_error(f"The column {unknown[:60]!r} is unknown: there are {', '.join(known)}")


def header_error(message: str) -> DomainError:
    return DomainError(message, field=("file",))
