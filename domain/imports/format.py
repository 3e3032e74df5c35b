"""A kind of file as the runner knows it: its header, its rows, where they are staged, and the steps that merge them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_

from domain.addresses import KNOWN_KINDS, AddressKinds
from domain.imports.mapping import Fields
from domain.imports.model import Progress
from domain.kit.db import Transaction
from domain.operations.model import Problem


@dataclass(frozen=True, slots=True)
class ImportKey:
    """The import that staged rows are of."""

    store_id: int
    operation_id: UUID
    # Of the hashes of what customers are known by.
    suppression_key: bytes
    # When the file was sent.
    sent_at: datetime
    address_kinds: AddressKinds = field(default_factory=lambda: KNOWN_KINDS)

    def matches(self, columns: Any) -> ColumnElement[bool]:
        return and_(columns.store_id == self.store_id, columns.operation_id == self.operation_id)


@dataclass(frozen=True, slots=True)
class StagedRows:
    """Rows as the columns of the staging table take them, and the problems of those that are left out.

    `parts`: how many parts the rows make, of which each is merged after those before.
    """

    columns: Sequence[str]
    rows: list[tuple[Any, ...]]
    problems: list[Problem]
    parts: int = 1


class RowsRefused(Exception):
    """Staged rows cannot be merged: `messages` say why, by the rows' numbers. Without them, the others can."""

    def __init__(self, messages: Mapping[int, str]) -> None:
        super().__init__(f"{len(messages)} rows are refused")
        self.messages = messages


class RowReader(Protocol):
    """Reads the rows of one file, part after part.

    `date_columns`: the positions of the columns with days or times, by their fields' names.
    """

    property_types: dict[str, list[str]]
    date_columns: dict[str, int]

    def read(self, records: Iterable[tuple[int, list[str]]], part: int) -> StagedRows:
        """Return the rows to stage of the records, each of which comes with its number in the file.

        Raise OrderUnknown when a column's dates can be read in two ways and it was not examined yet.
        """
        ...


class FileScan(Protocol):
    """Looks at all rows of a file before the first is written. It is not stored: another worker looks again."""

    @property
    def suits(self) -> bool:
        """Return whether the rows seen can be written as they are read."""
        ...

    def add(self, records: Iterable[tuple[int, list[str]]]) -> None:
        """Look at the records of a piece."""
        ...


# What the writing of one piece leaves to the next, and to the end; its keys and values are its format's own.
Carried = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DirectRows:
    """A piece's rows as they would be staged, and the columns of their file."""

    columns: Sequence[str]
    staged: StagedRows
    scan: FileScan | None
    carried: Carried


@dataclass(frozen=True, slots=True)
class WrittenRows:
    """Problems of rows that were left out, how many were staged after all, and what the next piece is told."""

    carried: Carried
    problems: Sequence[Problem] = ()
    staged: int = 0


@dataclass(frozen=True, slots=True)
class DirectWriter:
    """Writes the rows of a file as they are read, without staging them.

    `suits`: whether rows with these columns can be written so. `scan`: what has to see all rows before.
    """

    suits: Callable[[Transaction, ImportKey, Sequence[str]], Awaitable[bool]]
    write: Callable[[Transaction, ImportKey, DirectRows, datetime], Awaitable[WrittenRows]]
    scan: Callable[[Progress], FileScan] | None = None


class ImportFormat(Fields, Protocol):
    @property
    def staging(self) -> Table: ...

    @property
    def direct(self) -> DirectWriter | None:
        """Return what writes rows that need not be staged, None where all need it."""
        ...

    @property
    def written(self) -> Sequence[Table]:
        """Return the tables that merging writes."""
        ...

    def check_columns(self, names: Sequence[str]) -> None:
        """Raise DomainError when the fields of a file's columns do not suffice."""
        ...

    async def reader(self, tx: Transaction, key: ImportKey, progress: Progress) -> RowReader: ...

    async def complete(
        self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime, *, dry_run: bool
    ) -> Progress:
        """Do what can be done only when every row is staged."""
        ...

    async def merge_next(self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime) -> Progress | None:
        """Merge the next of the staged rows; None when all of them are merged.

        Raise RowsRefused where some cannot be: the transaction is to be rolled back then.
        """
        ...
