"""Bounds of JSON values that clients may shape as they like: what is stored is read again and again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import orjson

from domain.kit.errors import DomainError, ErrorCode, Path


@dataclass(frozen=True, slots=True)
class JsonBounds:
    """The most that a value may have: bytes of JSON, levels, entries in all, characters of a key, and of a text."""

    size: int
    levels: int
    entries: int
    key: int
    text: int

    def check(self, value: object, field: Path) -> None:
        """Raise DomainError with the path of what is too long, too deep or one too many, or cannot be stored."""
        level: list[tuple[object, Path]] = [(value, field)]
        entries = 0
        for _ in range(self.levels):
            if not level:
                break
            inner: list[tuple[object, Path]] = []
            for item, path in level:
                if isinstance(item, str):
                    self._check_text(item, path)
                for key, entry in _entries(item):
                    entries += 1
                    if entries > self.entries:
                        raise _refusal(f"holds more than {self.entries:,} entries", field)
                    if isinstance(key, str):
                        self._check_key(key, path)
                    inner.append((entry, (*path, key)))
            level = inner
        if level:
            raise _refusal(f"is nested too deep: {self.levels} levels at most", level[0][1])
        self._check_size(value, field)

    def _check_text(self, text: str, path: Path) -> None:
        if len(text) > self.text:
            raise _refusal(f"is {len(text):,} characters long: {self.text:,} at most", path)

    def _check_key(self, key: str, path: Path) -> None:
        if len(key) > self.key:
            raise _refusal(f"has a key of {len(key):,} characters, {key[:20]!r}...: {self.key} at most", path)

    def _check_size(self, value: object, field: Path) -> None:
        try:
            written = orjson.dumps(value)
        except TypeError as error:
            raise DomainError(f"{_name(field)}: cannot be stored as JSON: {error}", field=field) from error
        if len(written) > self.size:
            raise _refusal(f"is {len(written):,} bytes of JSON: {self.size:,} at most", field)
        if b"\\u0000" in written:
            raise DomainError(f"{_name(field)}: holds the control character U+0000: remove it", field=field)


def _entries(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, dict):
        yield from cast("dict[str, object]", value).items()
    elif isinstance(value, list):
        yield from enumerate(cast("list[object]", value))


def _refusal(message: str, path: Path) -> DomainError:
    return DomainError(f"{_name(path)}: {message}", field=path, code=ErrorCode.LIMIT_EXCEEDED)


def _name(path: Path) -> str:
    name = next(step for step in reversed(path) if isinstance(step, str))
    return name if len(name) <= 60 else f"{name[:57]}..."
