"""A workbook: which of its sheets is read, and what its cells refer to."""

from collections.abc import Generator
from contextlib import ExitStack
from itertools import chain
from posixpath import join, normpath
from typing import IO

from domain.imports.csv_reader import Unreadable
from domain.imports.xlsx.archive import WORKBOOK, Archive
from domain.imports.xlsx.markup import Markup
from domain.imports.xlsx.sheet import CellReader, SheetParser, SheetRow
from domain.imports.xlsx.strings import SharedStrings
from domain.imports.xlsx.styles import read_formats

_RELATIONS = "xl/_rels/workbook.xml.rels"
_MAX_SHEETS = 1_000


class _Workbook(Markup):
    """Its visible sheets by the ids of their relations, and the year that its days are counted from."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[str] = []
        self.from_1904 = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet" and attributes.get("state", "visible") == "visible":
            relation = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id"), None)
            if relation is not None and len(self.sheets) < _MAX_SHEETS:
                self.sheets.append(relation)
        elif name == "workbookPr":
            self.from_1904 = attributes.get("date1904") in {"1", "true"}


class _Relations(Markup):
    """The parts that the workbook refers to, by the ids and by the types of the relations."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: dict[str, str] = {}
        self.others: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name != "Relationship" or attributes.get("TargetMode") == "External" or len(self.sheets) > _MAX_SHEETS:
            return
        part = normpath(join("/xl", attributes.get("Target", "")))
        kind = attributes.get("Type", "").rpartition("/")[2]
        if kind == "worksheet":
            self.sheets[attributes.get("Id", "")] = part
        elif kind in {"sharedStrings", "styles"}:
            self.others[kind] = part


def read_rows(file: IO[bytes], width: int, most: int | None = None) -> Generator[SheetRow]:
    """Yield the rows with a value of the first visible sheet that has one, read as they are asked for.

    Cells beyond `width` are read as one, the row's last. Raise Unreadable when the file is no workbook, is damaged or
    unpacks to too much; UnpackedEnough when that would be more than `most` bytes.
    """
    archive = Archive(file, most)
    workbook, relations = _Workbook(), _Relations()
    workbook.read(archive.chunks(WORKBOOK))
    relations.read(archive.chunks(_RELATIONS))
    styles, texts = relations.others.get("styles"), relations.others.get("sharedStrings")
    with ExitStack() as stack:
        strings = None if texts is None else stack.enter_context(SharedStrings(archive.chunks(texts)))
        formats = [] if styles is None else read_formats(archive.chunks(styles))
        reader = CellReader(strings, formats, workbook.from_1904, width)
        for relation in workbook.sheets:
            part = relations.sheets.get(relation)
            if part is None:
                continue
            rows = SheetParser(reader).rows(archive.chunks(part))
            first = next(rows, None)
            if first is not None:
                yield from chain([first], rows)
                return
    raise Unreadable("No visible sheet of the workbook has a value")
