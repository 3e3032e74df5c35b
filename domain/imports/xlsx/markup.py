"""Reads XML as workbooks have it, chunk by chunk, and refuses what takes memory or time without saying anything."""

from collections.abc import Iterable, Iterator
from xml.parsers import expat

from domain.imports.csv_reader import Unreadable

_MAX_DEPTH = 100
_MAX_NAMES = 5_000
# Bytes between two elements: texts of cells are shorter by far.
_MAX_GAP = 4 << 20


class Markup:
    """The elements of a part, without their prefixes: what reads a part overrides what it wants to know.

    Raise Unreadable when it is no XML, or none that spreadsheets write.
    """

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self.text
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._depth = 0
        self._elements = 0
        self.done = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Hear that an element begins."""

    def end(self, name: str) -> None:
        """Hear that an element ends."""

    def text(self, text: str) -> None:
        """Hear a piece of text."""

    def parse(self, chunks: Iterable[bytes]) -> Iterator[None]:
        """Yield after each chunk, until the part ends or is `done`."""
        gap = 0
        try:
            for chunk in chunks:
                before = self._elements
                self._parser.Parse(chunk, False)
                if self.done:
                    yield
                    return
                gap = gap + len(chunk) if before == self._elements else 0
                if gap > _MAX_GAP or len(self._parser.intern) > _MAX_NAMES:
                    raise Unreadable("The workbook holds what no spreadsheet writes: save it again as .xlsx, or as CSV")
                yield
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = expat.errors.messages.get(error.code, "error")
            raise Unreadable(f"The workbook is damaged ({reason}): save it again as .xlsx, or as CSV") from error
        yield

    def read(self, chunks: Iterable[bytes]) -> None:
        for _ in self.parse(chunks):
            pass

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Unreadable("The workbook's elements are nested too deep: save it again as .xlsx, or as CSV")
        self.start(name.rpartition(":")[2] if ":" in name else name, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self.end(name.rpartition(":")[2] if ":" in name else name)

    def _refuse_doctype(self, *_: object) -> None:
        raise Unreadable("The workbook declares entities, which no spreadsheet does: save it again as .xlsx, or as CSV")
