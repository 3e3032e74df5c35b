"""The texts that the cells of a workbook share: in a temporary file, for there may be millions of them."""

import re
from array import array
from collections.abc import Iterator
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self

from domain.imports.csv_reader import MAX_RECORD, Unreadable
from domain.imports.xlsx.markup import Markup

MAX_STRINGS = 10_000_000
_MAX_BYTES = (1 << 32) - 1
# Short texts that are looked up again and again.
_KEPT, _KEPT_LENGTH = 20_000, 100
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def unescape(text: str) -> str:
    """Return the text with the characters that XML has no place for; NUL and halves of characters stay as written."""
    return _ESCAPE.sub(_character, text) if "_x" in text else text


def _character(escape: "re.Match[str]") -> str:
    code = int(escape[1], 16)
    return escape[0] if code == 0 or 0xD800 <= code <= 0xDFFF else chr(code)


class _Texts(Markup):
    """The texts of the elements `si`: of all their runs, without what says how to pronounce them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._runs: list[str] = []
        self._length = 0
        self._is_text = False
        self._pronunciation = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 - the parser gives them
        if name == "si":
            self._runs.clear()
            self._length = 0
        elif name == "rPh":
            self._pronunciation += 1
        self._is_text = name == "t" and not self._pronunciation

    def end(self, name: str) -> None:
        self._is_text = False
        if name == "si":
            self.texts.append(unescape("".join(self._runs)))
        elif name == "rPh":
            self._pronunciation -= 1

    def text(self, text: str) -> None:
        if self._is_text:
            self._length += len(text)
            if self._length > MAX_RECORD:
                raise Unreadable("The workbook has a text of more than 1 MiB: save it as CSV")
            self._runs.append(text)


class SharedStrings:
    """Shared texts by their position, read as far as they are asked for."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._part = _Texts()
        self._parsing = self._part.parse(chunks)
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - closed with this
        self._ends = array("I")
        self._end = 0
        self._kept: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def __getitem__(self, position: int) -> str:
        text = self._kept.get(position)
        if text is not None:
            return text
        while position >= len(self._ends):
            self._read_on()
        begin = self._ends[position - 1] if position else 0
        self._file.seek(begin)
        text = self._file.read(self._ends[position] - begin).decode()
        if len(text) <= _KEPT_LENGTH:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[position] = text
        return text

    def _read_on(self) -> None:
        try:
            next(self._parsing)
        except StopIteration:
            raise Unreadable("The workbook is damaged: a cell's text is missing") from None
        encoded = [text.encode() for text in self._part.texts]
        self._part.texts.clear()
        content = b"".join(encoded)
        if len(self._ends) + len(encoded) > MAX_STRINGS or self._end + len(content) > _MAX_BYTES:
            raise Unreadable(f"The workbook has more than {MAX_STRINGS:,} texts, or 4 GiB of them: save it as CSV")
        self._file.seek(self._end)
        self._file.write(content)
        for text in encoded:
            self._end += len(text)
            self._ends.append(self._end)
