"""Finds the code in a template as the engine reads it: code that this took for text would escape every limit."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from muster_sdk import TemplateInvalid

TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_OPENING = re.compile(r"\{[{%#]")
_RAW = re.compile(r"\{%[-+]?[ \t\r\n]*raw[ \t\r\n]*[-+]?%\}")
_ENDRAW = re.compile(r"\{%[-+]?[ \t\r\n]*endraw[ \t\r\n]*[-+]?%\}")
# A bracket or a quoted text that holds "}}" does not end an expression.
_STEP = re.compile(rf"{TEXT.pattern}|[%}}]\}}|[\[({{\])}}'\"]", re.DOTALL)
_DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of code, without its brackets; `start` and `end` are where they stand."""

    text: str
    is_statement: bool
    line: int
    start: int
    end: int


def codes(source: str) -> Iterator[Code]:
    """Return every piece of code, in order. Raise TemplateInvalid with the line of one that does not end."""
    position, line, counted = 0, 1, 0
    while opening := _OPENING.search(source, position):
        start = opening.start()
        line, counted = line + source.count("\n", counted, start), start
        if opening.group() == "{#":
            end = source.find("#}", opening.end())
            if end < 0:
                raise TemplateInvalid("A comment does not end", line)
            position = end + 2
        elif raw := _RAW.match(source, start):
            endraw = _ENDRAW.search(source, raw.end())
            if endraw is None:
                raise TemplateInvalid("A raw block does not end: write endraw", line)
            position = endraw.end()
        else:
            is_statement = opening.group() == "{%"
            end = _end(source, opening.end(), "%}" if is_statement else "}}", line)
            position = end + 2
            code = source[start + 2 : end]
            # One sign at either end rules the space around; a second one is code.
            bare = code[code[:1] in {"-", "+"} : len(code) - (code[1:][-1:] in {"-", "+"})].strip()
            yield Code(bare, is_statement, line, start, position)


def _end(source: str, position: int, closing: str, line: int) -> int:
    """Return where the code ends that begins at the position."""
    depth = 0
    while step := _STEP.search(source, position):
        symbol = step.group()
        if symbol == closing and not depth:
            return step.start()
        position = step.end()
        if symbol in "'\"":
            raise TemplateInvalid("A quoted text does not end", line)
        if symbol[0] not in "'\"":
            # Of "}}" and "%}" that do not end the code only the first character is read here.
            depth += _DEPTH.get(symbol[0], 0)
            position = step.start() + 1
    raise TemplateInvalid(f"Code does not end with {closing}", line)
