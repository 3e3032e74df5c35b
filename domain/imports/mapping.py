"""Finds the field that each column of a file is: as the caller says, as a known export has it, or by its name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.imports import presets
from domain.imports.model import ComposedField, FilledCell, ImportKind, ImportOptions, UnmappedColumns
from domain.imports.presets.model import ExportPreset, Filled, First, Joined, Source, same_name
from domain.imports.presets.names import FIELDS_BY_NAME
from domain.kit.errors import DomainError, ErrorCode
from domain.operations.model import Problem, ProblemOutcome

PROPERTY = "property."
# Columns of which each is told by itself.
_TOLD = 100
_LABEL_LENGTH = 100


class Fields(Protocol):
    """The fields that files of a kind have."""

    @property
    def kind(self) -> ImportKind: ...

    @property
    def names(self) -> Sequence[str]:
        """Return the fields as messages list them, such as `property.KEY`."""
        ...

    def field(self, name: str) -> str | None:
        """Return the field of this name, None when there is none. Raise DomainError for a key that cannot be one."""
        ...


@dataclass(frozen=True, slots=True)
class ColumnFields:
    """The fields of a file's columns, in the order of their cells, and what is to be told of the other columns.

    `labels` are those of properties whose keys were made of them.
    """

    names: list[str]
    cells: list[int]
    composed: list[ComposedField]
    left_out: list[int]
    labels: dict[str, str]
    preset: str | None
    apostrophes: bool
    notices: list[Problem]


@dataclass(slots=True)
class _Mapping:
    """The fields that are found so far, and the cells about which it is decided."""

    heads: Sequence[str]
    fields: Fields
    sources: dict[str, ComposedField] = field(default_factory=dict[str, ComposedField])
    labels: dict[str, str] = field(default_factory=dict[str, str])
    decided: set[int] = field(default_factory=set[int])

    def rest(self) -> list[int]:
        return [cell for cell, head in enumerate(self.heads) if head and cell not in self.decided]

    def take(self, name: str, cell: int) -> None:
        """Have a field be the cell's. Raise DomainError when it is another cell's too."""
        if name in self.sources:
            first, second = self.heads[self.sources[name].cells[0].cell], self.heads[cell]
            if first == second:
                raise header_error(f"The column {first[:60]!r} comes twice")
            message = f"The columns {first[:60]!r} and {second[:60]!r} are both {name}: map one of them to nothing"
            raise header_error(message)
        self.sources[name] = ComposedField(name, [FilledCell(cell)])
        self.decided.add(cell)

    def property_of(self, label: str) -> str | None:
        """Return the field of the property with this label, None where files have no properties."""
        name = self.fields.field(f"{PROPERTY}{label}")
        if name is not None and name != f"{PROPERTY}{label}":
            if len(label) > _LABEL_LENGTH:
                raise DomainError(f"a property's label has {_LABEL_LENGTH} characters at most")
            self.labels[name.removeprefix(PROPERTY)] = label
        return name


def map_columns(heads: Sequence[str], fields: Fields, options: ImportOptions) -> ColumnFields:
    """Return the fields that columns with these heads are. A mapping that is given wins over what is known.

    Raise DomainError when the mapping names what is not there, or when two columns are one field.
    """
    mapping = _Mapping(heads, fields)
    _map_given(mapping, options)
    preset = presets.recognise(fields.kind, heads)
    notices: list[Problem] = []
    if preset is not None:
        notices += _map_preset(mapping, preset)
    unmapped = _map_by_name(mapping)
    if options.unmapped is UnmappedColumns.PROPERTIES:
        notices += [_property_notice(mapping, cell) for cell in unmapped]
    else:
        notices += _left_out_notices([heads[cell] for cell in unmapped])
    sources = sorted(mapping.sources.values(), key=lambda source: source.cells[0].cell)
    cells = [source.cells[0].cell for source in sources]
    taken = {cell.cell for source in sources for cell in source.cells}
    return ColumnFields(
        names=[source.field for source in sources],
        cells=cells,
        composed=[source for source in sources if source.cells[1:] or source.cells[0].means is not None],
        left_out=[cell for cell, head in enumerate(heads) if head and cell not in taken],
        labels=mapping.labels,
        preset=None if preset is None else preset.name,
        apostrophes=preset is not None and preset.apostrophes,
        notices=notices,
    )


def _map_given(mapping: _Mapping, options: ImportOptions) -> None:
    """Map the columns that the caller names; a name in another spelling is the same, unless the file has both."""
    own_names = {same_name(name): name for name in mapping.fields.names}
    for index, column in enumerate(options.mapping):
        path = ("mapping", index)
        exact = [cell for cell, head in enumerate(mapping.heads) if head == column.column.strip()]
        cells = exact or [
            cell for cell, head in enumerate(mapping.heads) if head and same_name(head) == same_name(column.column)
        ]
        if not cells:
            has = ", ".join(head[:60] for head in mapping.heads[:50] if head)
            message = f"The file has no column {column.column[:60]!r}: it has {has}"
            raise DomainError(message, field=(*path, "column"), code=ErrorCode.NOT_FOUND)
        if mapping.decided.intersection(cells):
            raise DomainError(f"The column {column.column[:60]!r} is mapped twice", field=(*path, "column"))
        mapping.decided.update(cells)
        if column.field is None:
            continue
        wanted = column.field.strip()
        try:
            if wanted.startswith(PROPERTY):
                name = mapping.property_of(wanted.removeprefix(PROPERTY).strip())
            else:
                name = mapping.fields.field(wanted) or own_names.get(same_name(wanted))
        except DomainError as error:
            raise DomainError(f"{wanted[:60]!r}: {error.message}", field=(*path, "field")) from error
        if name is None:
            message = f"There is no field {wanted[:60]!r}: there are {', '.join(mapping.fields.names)}"
            raise DomainError(message, field=(*path, "field"), code=ErrorCode.NOT_FOUND)
        for cell in cells:
            mapping.take(name, cell)


def _map_preset(mapping: _Mapping, preset: ExportPreset) -> list[Problem]:
    """Map the columns of a known export, and return the notice of those of which nothing is taken."""
    cells = {same_name(mapping.heads[cell]): cell for cell in reversed(mapping.rest())}
    for name, source in preset.fields.items():
        if name in mapping.sources or mapping.fields.field(name) is None:
            continue
        composed = _composed(name, source, cells)
        if composed is not None:
            mapping.sources[name] = composed
    mapping.decided.update(
        cell.cell for name in preset.fields for cell in mapping.sources.get(name, ComposedField(name, ())).cells
    )
    left_out = [cell for column in preset.left_out if (cell := cells.get(same_name(column))) is not None]
    left_out = [cell for cell in left_out if cell not in mapping.decided]
    mapping.decided.update(left_out)
    if not left_out:
        return []
    columns = ", ".join(mapping.heads[cell] for cell in left_out)
    return [_notice(f"The file is an export of {preset.name}: nothing is taken of its columns {columns}")]


def _composed(name: str, source: Source, cells: Mapping[str, int]) -> ComposedField | None:
    """Return where a field comes from, as far as the file has its columns; None when it has none of them."""
    match source:
        case First(columns):
            separator = None
        case Joined(columns, separator):
            pass
        case str() | Filled():
            columns, separator = (source,), None
    filled: list[FilledCell] = []
    for column in columns:
        if isinstance(column, str):
            cell = cells.get(same_name(column))
            if cell is not None:
                filled.append(FilledCell(cell))
        else:
            cell = cells.get(same_name(column.column))
            if cell is not None:
                filled.append(FilledCell(cell, column.means, column.blank))
    return ComposedField(name, filled, separator) if filled else None


def _map_by_name(mapping: _Mapping) -> list[int]:
    """Map the other columns by their names, and return the cells of those that are no field or another column's."""
    decided = set(mapping.sources)
    known = FIELDS_BY_NAME[mapping.fields.kind]
    own_names = {same_name(name): name for name in mapping.fields.names}
    unmapped: list[int] = []
    for cell in mapping.rest():
        head = mapping.heads[cell]
        try:
            if head.startswith(PROPERTY):
                name = mapping.property_of(head.removeprefix(PROPERTY).strip())
            else:
                name = mapping.fields.field(head) or own_names.get(same_name(head)) or known.get(same_name(head))
        except DomainError as error:
            raise header_error(f"The column {head[:60]!r}: {error.message}") from error
        if name is None or name in decided or mapping.fields.field(name) is None:
            unmapped.append(cell)
        else:
            mapping.take(name, cell)
    return unmapped


def _property_notice(mapping: _Mapping, cell: int) -> Problem:
    """Map a column to a property of its name, and return the notice of it."""
    head = mapping.heads[cell]
    try:
        name = mapping.property_of(head)
    except DomainError as error:
        raise header_error(f"The column {head[:60]!r}: {error.message}") from error
    if name is None:
        message = f"The column {head[:60]!r} can be no property: only customers have properties"
        raise DomainError(message, field=("unmappedColumns",))
    mapping.take(name, cell)
    return _notice(f"The column {head!r} is no field: its values are the property {name.removeprefix(PROPERTY)}", head)


def _left_out_notices(heads: Sequence[str]) -> Iterable[Problem]:
    how = "map it to a field, to property.KEY, or to nothing"
    for head in heads[:_TOLD]:
        yield _notice(f"The column {head[:200]!r} is mapped to nothing: its values are left out; {how}", head[:200])
    if len(heads) > _TOLD:
        yield _notice(f"{len(heads) - _TOLD:,} more columns are mapped to nothing, and their values left out")


def _notice(message: str, column: str | None = None) -> Problem:
    return Problem(None, message, column=column, outcome=ProblemOutcome.NOTICE)


def header_error(message: str) -> DomainError:
    return DomainError(message, field=("file",))
