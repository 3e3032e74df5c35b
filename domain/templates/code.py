"""Where the code is in a template, as the engine reads it: what this took for text would escape every limit."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from muster_sdk import TemplateInvalid

TEXT = re.compile(r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"", re.DOTALL)
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
    """Every piece of code, in order."""
    at, line, counted = 0, 1, 0
    while opening := _OPENING.search(source, at):
        start = opening.start()
        line, counted = line + source.count("\n", counted, start), start
        if opening.group() == "{#":
            at = _after_comment(source, opening.end(), line)
        elif raw := _RAW.match(source, start):
            at = _after_raw(source, raw.end(), line)
        else:
            is_statement = opening.group() == "{%"
            end = _end(source, opening.end(), "%}" if is_statement else "}}", line)
            at = end + 2
            yield Code(_bare(source[start + 2 : end]), is_statement, line, start, at)


def _bare(code: str) -> str:
    """Without the one sign at either end that rules the space around; a second one is code."""
    return code[code[:1] in {"-", "+"} : len(code) - (code[1:][-1:] in {"-", "+"})].strip()


def _after_comment(source: str, start: int, line: int) -> int:
    end = source.find("#}", start)
    if end < 0:
        raise TemplateInvalid("a comment does not end", line)
    return end + 2


def _after_raw(source: str, start: int, line: int) -> int:
    end = _ENDRAW.search(source, start)
    if end is None:
        raise TemplateInvalid("raw does not end: write endraw", line)
    return end.end()


def _end(source: str, at: int, closing: str, line: int) -> int:
    depth = 0
    while step := _STEP.search(source, at):
        found = step.group()
        if found == closing and not depth:
            return step.start()
        at = step.end()
        if found in "'\"":
            raise TemplateInvalid("a quoted text does not end", line)
        if found[0] not in "'\"":
            # Of "}}" and "%}" that do not end the code only the first character is read here.
            depth += _DEPTH.get(found[0], 0)
            at = step.start() + 1
    raise TemplateInvalid(f"code does not end with {closing}", line)
