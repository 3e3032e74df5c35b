"""Limits of templates, so that none of them can exhaust the machine.

minijinja bounds the steps of a rendering, not its memory: a step may double a text, or print a list that holds another
ten times. So the longest value that each piece of code can make is reckoned here before a template is taken.
Its compiler bounds how deep brackets nest, not how long a chain of operators or of `elif` is, and each link takes
of the stack: at ten thousand the process is gone.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from muster_sdk import TemplateInvalid

from domain.templates.code import TEXT, Code, codes

SOURCE_LENGTH = 200_000
SYMBOLS = 500
DEPTH = 100
STATEMENTS = frozenset({"for", "endfor", "if", "elif", "else", "endif", "set"})
# How many times as long a filter can make its value.
FILTERS = {
    "abs": 1,
    "capitalize": 3,
    "count": 1,
    "d": 1,
    "default": 1,
    "e": 6,
    "escape": 6,
    "first": 1,
    "float": 1,
    "int": 1,
    "last": 1,
    "length": 1,
    "lower": 3,
    "round": 1,
    "title": 3,
    "trim": 1,
    "upper": 3,
    "urlencode": 12,
}
# Functions of the engine that make much of little, or show what is inside.
FUNCTIONS = ("debug", "dict", "namespace", "range")

# Of what a filter that a plugin has added makes.
FILTERED_LENGTH = 2_000

_LITERAL_LENGTH = 1_000
_VALUE_LENGTH = 100_000
# Taken for the length of a variable; what it prints is measured when it does.
_VARIABLE_LENGTH = 2_000
_NUMBER_LENGTH = 320
_BYTES = 200_000_000
_MOST_FUEL = 50_000
_LEAST_FUEL = 2_000

_FILTER = re.compile(r"\|\s*([A-Za-z_]\w*)")
_CAPTURE = re.compile(r"set\s[^=]*\Z")
_TARGET = re.compile(r"set\b([^=]*)=(.*)|for\b(.*?)\bin\b(.*)", re.DOTALL)
_NAME = re.compile(r"[^\W\d]\w*")
_SYMBOL = re.compile(rf"{TEXT.pattern}|\w+|[^\w\s]", re.DOTALL)
# A text; a name that is neither an attribute's nor a filter's; a number.
_OPERAND = re.compile(
    rf"(?P<text>{TEXT.pattern})|[.|]\s*[^\W\d]\w*|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)", re.DOTALL
)
_WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "for", "elif", "set", "true", "false", "none"})


@dataclass(frozen=True, slots=True)
class CheckedTemplate:
    """Fuel is the steps that a rendering may take; `bound_names` are those that `for` and `set` bind."""

    fuel: int
    bound_names: Collection[str]


def check(source: str, added_filters: Collection[str] = ()) -> CheckedTemplate:
    """Return what is known of a template. Raise TemplateInvalid with the line that could grow without bounds.

    `added_filters`: names of filters beside the engine's, none of which makes more than `FILTERED_LENGTH` characters.
    """
    if len(source) > SOURCE_LENGTH:
        raise TemplateInvalid(f"A template has {SOURCE_LENGTH:,} characters at most")
    lengths: dict[str, int] = {}
    nesting = _Nesting()
    longest = text_start = 0
    for code in codes(source):
        nesting.take(code)
        _check_code(code, added_filters)
        _check_length(code, lengths)
        longest, text_start = max(longest, code.start - text_start), code.end
    # Each step puts out one piece of the text between code at most.
    longest = max(longest, len(source) - text_start, 1)
    return CheckedTemplate(max(_LEAST_FUEL, min(_MOST_FUEL, _BYTES // longest)), lengths.keys())


class _Nesting:
    """Counts how deep statements stand within each other; an `elif` is an `if` within the one before."""

    def __init__(self) -> None:
        self._depth = 0
        self._open: list[int] = []

    def take(self, code: Code) -> None:
        word = _NAME.match(code.text) if code.is_statement else None
        match word and word.group():
            case "if" | "for":
                self._open.append(1)
                self._depth += 1
            case "elif" if self._open:
                self._open[-1] += 1
                self._depth += 1
            case "endif" | "endfor" if self._open:
                self._depth -= self._open.pop()
            case _:
                return
        if self._depth > DEPTH:
            raise TemplateInvalid(f"Statements nest {DEPTH} deep at most, with each elif", code.line)


def _check_code(code: Code, added_filters: Collection[str]) -> None:
    if sum(1 for _ in _SYMBOL.finditer(code.text)) > SYMBOLS:
        raise TemplateInvalid(f"A piece of code has {SYMBOLS} names, texts and signs at most", code.line)
    bare = TEXT.sub("''", code.text)
    if code.is_statement:
        word = _NAME.match(bare)
        name = word.group() if word else ""
        if name not in STATEMENTS or _CAPTURE.match(bare):
            raise TemplateInvalid(f"A template has no {name!r} here: use for, if, and set with a value", code.line)
        if re.search(r"\brecursive\b", bare):
            raise TemplateInvalid("A loop is not recursive here", code.line)
    if any(len(literal) > _LITERAL_LENGTH for literal in TEXT.findall(code.text)):
        raise TemplateInvalid(f"A text within code has {_LITERAL_LENGTH:,} characters at most", code.line)
    for name in _FILTER.findall(bare):
        if name not in FILTERS and name not in added_filters:
            known = ", ".join(sorted({*FILTERS, *added_filters}))
            raise TemplateInvalid(f"There is no filter {name!r}: use {known}", code.line)
    if "*" in bare:
        raise TemplateInvalid("A template does not multiply", code.line)


def _check_length(code: Code, lengths: dict[str, int]) -> None:
    """Add up the value's length from its parts; names that are bound to it are as long from here on."""
    target = _TARGET.match(code.text) if code.is_statement else None
    names, value = ("", code.text) if target is None else (target[1] or target[3] or "", target[2] or target[4] or "")
    length = 0
    for operand in _OPERAND.finditer(value):
        name = operand["name"]
        if operand["text"]:
            length += len(operand["text"])
        elif operand["number"]:
            length += _NUMBER_LENGTH if "e" in operand["number"].lower() else len(operand["number"])
        elif name is not None and name.lower() not in _WORDS:
            length += max(_VARIABLE_LENGTH, lengths.get(name, 0))
    for name in _FILTER.findall(TEXT.sub("''", value)):
        length = length * FILTERS[name] if name in FILTERS else max(length, FILTERED_LENGTH)
    if length > _VALUE_LENGTH:
        raise TemplateInvalid(f"This could make a text of more than {_VALUE_LENGTH:,} characters", code.line)
    for name in _NAME.findall(names):
        lengths[name] = max(length, lengths.get(name, 0))
