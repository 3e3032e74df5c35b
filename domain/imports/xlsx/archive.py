"""The zip archive that a workbook is: opened only when its directory is small, unpacked only as far as is decent."""

import zlib
from collections.abc import Iterator
from io import RawIOBase
from typing import IO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from domain.imports.csv_reader import Unreadable

MAX_PARTS = 2_000
# What the parts of a workbook unpack to: so many bytes, and so many for each of the file's own beyond the first ones.
MAX_UNPACKED = 4 << 30
MAX_RATIO = 100
FREE = 8 << 20
_MAX_DIRECTORY = 1 << 20
_CHUNK = 1 << 16
_LOCAL_HEADER = 30
_DAMAGED = "The workbook is damaged: open it, save it again as .xlsx, or send CSV"
_TOO_MANY_PARTS = f"The workbook has more than {MAX_PARTS:,} parts: save its sheet alone as .xlsx, or as CSV"
_OTHER_ARCHIVES = {
    "content.xml": "The file is an OpenDocument file (.ods): save it as .xlsx or CSV",
    "xl/workbook.bin": "The file is a binary workbook (.xlsb): save it as .xlsx or CSV",
    "word/document.xml": "The file is a text document (.docx): send the table as .xlsx or CSV",
    "ppt/presentation.xml": "The file is a presentation (.pptx): send the table as .xlsx or CSV",
    "index/document.iwa": "The file is of Numbers: export it as .xlsx or CSV",
}
WORKBOOK = "xl/workbook.xml"


class UnpackedEnough(Exception):
    """More of the workbook would have to be unpacked than the caller wants to."""


class _Directory(RawIOBase):
    """The file while its directory is read, which `zipfile` does by a single read of whatever size it is said to be."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        if size > _MAX_DIRECTORY:
            raise Unreadable(_TOO_MANY_PARTS)
        return self._file.read(min(size, _MAX_DIRECTORY) if size >= 0 else _MAX_DIRECTORY)


class Archive:
    """The parts of a workbook by their names. Raise Unreadable when the file is none, or not a decent one."""

    def __init__(self, file: IO[bytes], most: int | None = None) -> None:
        """`most`: how many bytes are unpacked at most; then UnpackedEnough is raised."""
        self._most = most
        self._unpacked = 0
        self._size = file.seek(0, 2)
        try:
            # Any object that reads and seeks will do.
            self._zip = ZipFile(cast("IO[bytes]", _Directory(file)))
        except (BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise Unreadable(_DAMAGED) from error
        parts = self._zip.infolist()
        self._parts = {_normal(part.filename): part for part in parts}
        if WORKBOOK not in self._parts:
            other = next((said for name, said in _OTHER_ARCHIVES.items() if name in self._parts), None)
            raise Unreadable(other or "The file is a zip archive and no workbook: send the .xlsx or CSV file inside")
        if len(parts) > MAX_PARTS:
            raise Unreadable(_TOO_MANY_PARTS)
        self._check(parts)

    def _check(self, parts: list[ZipInfo]) -> None:
        if len(self._parts) < len(parts):
            raise Unreadable("The workbook has a part twice: open it, save it again as .xlsx, or send CSV")
        free_from = 0
        for part in sorted(parts, key=lambda part: part.header_offset):
            if part.header_offset < free_from:
                raise Unreadable("The workbook's parts overlap: open it, save it again as .xlsx, or send CSV")
            free_from = part.header_offset + _LOCAL_HEADER + len(part.orig_filename.encode()) + part.compress_size
        if free_from > self._size:
            raise Unreadable("The workbook did not come whole: send it again")

    def __contains__(self, name: str) -> bool:
        return _normal(name) in self._parts

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the part's content, none of it beyond the limits: what the directory says of sizes is not believed."""
        part = self._parts.get(_normal(name))
        if part is None:
            raise Unreadable(_DAMAGED)
        if part.flag_bits & 1:
            raise Unreadable("A password protects the workbook: save it without one, or as CSV")
        if part.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            raise Unreadable("The workbook is packed in an unusual way: open it, save it again as .xlsx, or send CSV")
        try:
            with self._zip.open(part) as content:
                while chunk := content.read(_CHUNK):
                    self._count(len(chunk))
                    yield chunk
        except (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
            raise Unreadable(_DAMAGED) from error

    def _count(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > min(FREE + self._size * MAX_RATIO, MAX_UNPACKED):
            most = f"{MAX_RATIO} times its size, or than {MAX_UNPACKED >> 30} GiB"
            raise Unreadable(f"The workbook unpacks to more than {most}: save it as CSV")
        if self._most is not None and self._unpacked > self._most:
            raise UnpackedEnough


def _normal(name: str) -> str:
    return name.replace("\\", "/").removeprefix("/").lower()
