"""What a template may hold, so that none of them can exhaust the machine.

minijinja bounds the steps of a rendering, not its memory: a step may double a string. So whatever makes long strings of
short ones is counted here before a template is taken, or is not there at all.
"""

import re
from collections.abc import Iterator

from muster_sdk import TemplateInvalid

SOURCE_LENGTH = 200_000
STATEMENTS = frozenset({"for", "endfor", "if", "elif", "else", "endif", "set", "raw", "endraw"})
FILTERS = frozenset(
    {
        "abs",
        "capitalize",
        "count",
        "d",
        "default",
        "e",
        "escape",
        "first",
        "float",
        "int",
        "last",
        "length",
        "lower",
        "round",
        "title",
        "trim",
        "upper",
        "urlencode",
    }
)
_LITERAL_LENGTH = 1_000
_CONCATENATIONS = 12
_BYTES = 200_000_000
_MOST_FUEL = 50_000
_LEAST_FUEL = 2_000

_QUOTED = r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\""
_STRING = re.compile(_QUOTED, re.DOTALL)
# A quoted "}}" does not end an expression, to the engine as to this.
_CODE = re.compile(
    rf"\{{%[-+]?(?P<statement>(?:{_QUOTED}|(?!%\}})[^'\"])*+)%\}}"
    rf"|\{{\{{(?P<expression>(?:{_QUOTED}|(?!\}}\}})[^'\"])*+)\}}\}}"
    r"|\{#.*?#\}",
    re.DOTALL,
)
_FILTER = re.compile(r"\|\s*([A-Za-z_]\w*)")
_CAPTURE = re.compile(r"set\s+[^=]*\Z")


def check(source: str) -> None:
    """Refuse a template that could grow without bounds; the error names the line."""
    if len(source) > SOURCE_LENGTH:
        raise TemplateInvalid(f"a template has {SOURCE_LENGTH:,} characters at most")
    concatenations = 0
    for line, code, is_statement in _codes(source):
        bare = _STRING.sub("''", code)
        if is_statement:
            _check_statement(bare.strip(), line)
        _check_code(code, bare, line)
        concatenations += bare.count("~") + bare.count("+")
        if concatenations > _CONCATENATIONS:
            raise TemplateInvalid(f"a template joins texts {_CONCATENATIONS} times at most", line)


def _check_code(code: str, bare: str, line: int) -> None:
    if any(len(literal) > _LITERAL_LENGTH for literal in _STRING.findall(code)):
        raise TemplateInvalid(f"a text within code has {_LITERAL_LENGTH:,} characters at most", line)
    for name in _FILTER.findall(bare):
        if name not in FILTERS:
            raise TemplateInvalid(f"there is no filter {name!r}: use {', '.join(sorted(FILTERS))}", line)
    if "*" in bare or "namespace" in bare:
        raise TemplateInvalid("a template neither multiplies nor keeps a namespace", line)


def fuel(source: str) -> int:
    """Steps that a rendering may take: each puts out one piece of the text between code at most."""
    longest = max((len(piece) for piece in _CODE.split(source) if piece), default=1)
    return max(_LEAST_FUEL, min(_MOST_FUEL, _BYTES // longest))


def _codes(source: str) -> Iterator[tuple[int, str, bool]]:
    for match in _CODE.finditer(source):
        statement, expression = match["statement"], match["expression"]
        if statement is not None or expression is not None:
            line = source.count("\n", 0, match.start()) + 1
            yield line, statement if statement is not None else expression, statement is not None


def _check_statement(statement: str, line: int) -> None:
    word = re.match(r"\w*", statement)
    name = word.group() if word else ""
    if name not in STATEMENTS or _CAPTURE.match(statement):
        raise TemplateInvalid(f"a template has no {name!r} here: use for, if, and set with a value", line)
    if " recursive" in f" {statement}":
        raise TemplateInvalid("a loop is not recursive here", line)
