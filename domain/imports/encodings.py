"""Encodings of text files: a file's marks tell it, that it is UTF-8, or which reading has the commoner characters."""

import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
from enum import StrEnum

from domain.kit.errors import DomainError

_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_LINE_BEYOND_ASCII = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_SAMPLE_BYTES = 1 << 16
_LAST_BYTES = 1 << 12
# Text is UTF-8 with faults, and no other encoding, when it has this many of UTF-8's characters for each fault.
_CHARACTERS_PER_FAULT = 4


class Encoding(StrEnum):
    """An encoding that files come in, by the name that the API and the command line know it by."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    WINDOWS_1252 = "windows-1252"
    BIG5 = "big5"
    GB18030 = "gb18030"
    SHIFT_JIS = "shift_jis"

    @property
    def codec(self) -> str:
        """Return the codec that reads it: what spreadsheets write is more than the standards have."""
        return _CODECS.get(self, self.value)

    @property
    def unit(self) -> int:
        """Return the least bytes of a character."""
        return 2 if self in {Encoding.UTF_16_LE, Encoding.UTF_16_BE} else 1

    @property
    def label(self) -> str:
        return _LABELS[self]


_CODECS = {Encoding.WINDOWS_1252: "cp1252", Encoding.BIG5: "cp950", Encoding.SHIFT_JIS: "cp932"}
_LABELS = {
    Encoding.UTF_8: "UTF-8",
    Encoding.UTF_16_LE: "UTF-16",
    Encoding.UTF_16_BE: "UTF-16",
    Encoding.WINDOWS_1252: "Windows-1252",
    Encoding.BIG5: "Big5",
    Encoding.GB18030: "GB18030",
    Encoding.SHIFT_JIS: "Shift-JIS",
}


class EncodingDetector:
    """Finds the encoding of bytes that come piece by piece, with no more than a sample of them in memory."""

    def __init__(self) -> None:
        self._utf_8 = getincrementaldecoder("utf-8")()
        self._marked: Encoding | None = None
        self._is_first = True
        self._is_utf_8 = True
        self._sample = bytearray()
        self._last = b""

    def feed(self, piece: bytes) -> None:
        if self._is_first:
            self._is_first = False
            self._marked = _marked(piece)
        if self._marked is not None:
            return
        if self._is_utf_8:
            try:
                self._utf_8.decode(piece)
            except UnicodeDecodeError:
                self._is_utf_8 = False
            self._last = piece[-_LAST_BYTES:]
        if not self._is_utf_8 and len(self._sample) < _SAMPLE_BYTES:
            for line in _LINE_BEYOND_ASCII.finditer(piece):
                self._sample += line[0][:_SAMPLE_BYTES] + b"\n"
                if len(self._sample) >= _SAMPLE_BYTES:
                    break

    def encoding(self) -> Encoding:
        """Return the encoding of what came."""
        if self._marked is not None:
            return self._marked
        sample = bytes(self._sample)
        if self._is_utf_8:
            try:
                self._utf_8.decode(b"", final=True)
            except UnicodeDecodeError:
                # What the file ends with may be the beginning of a character of UTF-8, or a letter of another encoding.
                sample = b"\n".join(line[0] for line in _LINE_BEYOND_ASCII.finditer(self._last))
            else:
                return Encoding.UTF_8
        text = sample.decode(errors="replace")
        faults = text.count("\ufffd")
        characters = sum(character > "\x7f" for character in text) - faults
        if characters >= faults * _CHARACTERS_PER_FAULT:
            return Encoding.UTF_8
        return max(_FITS, key=lambda encoding: _FITS[encoding](sample))


def named(name: str | None) -> Encoding | None:
    """Return the encoding of that name, None for none. Raise DomainError for an unknown one."""
    names = [encoding.value for encoding in Encoding]
    if name is not None and name.lower() not in names:
        raise DomainError(f"{name!r} is no encoding that files are read in: choose from {', '.join(names)}")
    return None if name is None else Encoding(name.lower())


def detect(pieces: Iterable[bytes]) -> Encoding:
    detector = EncodingDetector()
    for piece in pieces:
        detector.feed(piece)
    return detector.encoding()


def _marked(start: bytes) -> Encoding | None:
    """Return the encoding that the first bytes tell: by a byte order mark, or by the zeros that UTF-16 is full of."""
    for mark, name in _BOMS.items():
        if start.startswith(mark):
            return Encoding(name)
    first = start[: 1 << 12]
    if b"\0" in first and len(first) >= 4:
        if first[1::2].count(0) * 2 > len(first) // 2 and 0 not in first[::2]:
            return Encoding.UTF_16_LE
        if first[::2].count(0) * 2 > len(first) // 2 and 0 not in first[1::2]:
            return Encoding.UTF_16_BE
    return None


# How well a sample fits an encoding: about 1 where it is text of it. The first level of the East Asian standards holds
# the characters in daily use, the second and what is beyond are rare: most of a wrong reading lies there.


def _east_asian(codec: str, weight: Callable[[int], float]) -> Callable[[bytes], float]:
    def fit(sample: bytes) -> float:
        total = size = 0.0
        for character in sample.decode(codec, errors="replace"):
            if character <= "\x7f":
                continue
            if character == "\ufffd":
                size, total = size + 2, total - 4
                continue
            encoded = character.encode(codec, errors="replace")
            size += len(encoded)
            if "\ue000" <= character <= "\uf8ff":
                total -= 1
            elif len(encoded) == 2:
                total += 2 * weight(int.from_bytes(encoded))
            elif len(encoded) == 1:
                total += _HALF_WIDTH
        return total / size if size else 0

    return fit


_HALF_WIDTH = 0.35
_COMMON, _SYMBOL, _RARE = 1.0, 0.6, 0.25


def _big5(code: int) -> float:
    return _COMMON if 0xA440 <= code <= 0xC67E else _SYMBOL if code < 0xA440 else _RARE


def _gb18030(code: int) -> float:
    return (
        _COMMON if 0xB0A1 <= code <= 0xD7F9 and code & 0xFF >= 0xA1 else _SYMBOL if 0xA1A1 <= code <= 0xA3FE else _RARE
    )


def _shift_jis(code: int) -> float:
    is_kana, is_first_level = 0x829F <= code <= 0x8396, 0x889F <= code <= 0x9872
    return _COMMON if is_kana or is_first_level else _SYMBOL if code <= 0x82F1 else _RARE


# Quotation marks, dashes, currencies and other signs of Western text.
_WESTERN_SIGNS = bytes.fromhex("80 82 84 85 91 92 93 94 96 97 99 a1 a3 a7 a9 aa ab ae b0 b2 b4 b7 ba bb bd bf").decode(
    "cp1252"
)


def _windows_1252(sample: bytes) -> float:
    """Western text has its accented letters alone among letters of ASCII."""
    text = f" {sample.decode('cp1252', errors='replace')} "
    total = count = 0.0
    for before, character, after in zip(text, text[1:], text[2:], strict=False):
        if character <= "\x7f":
            continue
        count += 1
        if character == "\ufffd":
            total -= 2
        elif before > "\x7f":
            total += 0.1
        elif character.isalpha():
            beside_letter = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
            total += 0.85 if beside_letter else 0.1
        else:
            total += 0.75 if character in _WESTERN_SIGNS else 0.1
    return total / count if count else 0


_FITS: dict[Encoding, Callable[[bytes], float]] = {
    Encoding.BIG5: _east_asian("cp950", _big5),
    Encoding.GB18030: _east_asian("gb18030", _gb18030),
    Encoding.SHIFT_JIS: _east_asian("cp932", _shift_jis),
    Encoding.WINDOWS_1252: _windows_1252,
}
