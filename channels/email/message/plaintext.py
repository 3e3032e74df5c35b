"""The plain text of a message's HTML, for mail programs that show none."""

import re
from typing import Final

from channels.email.message.html import CODE, Raw, Tag, Words, pieces

_HIDDEN: Final = frozenset({"head", "svg", "template"})
_PARAGRAPHS: Final = frozenset({"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"})
_LINES: Final = frozenset(
    {"address", "article", "aside", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form", "header"}
    | {"hr", "li", "main", "nav", "section", "tr"}
)
# Private characters stand for what HTML has no name for: code, of two kinds, and breaks, which do not add up.
_STATEMENT, _VALUE, _END, _LINE, _PARAGRAPH = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
_PRIVATE = re.compile("[\ue000-\ue004]")
_STATEMENTS = re.compile(f"{_STATEMENT}[0-9]+{_END}")
_MARK = re.compile(f"[{_STATEMENT}{_VALUE}]([0-9]+){_END}")
_GAP = re.compile(f"[ \n{_LINE}{_PARAGRAPH}]++")
_SPACE = re.compile(r"[ \t\r\n\f]++")
_OPENING = re.compile(r"\{(?=[{%#])")


def of_template(html: str) -> str:
    """A template for the text, out of the one for the HTML: its code passes through.

    Where it has statements, what it renders is to be made `tidy`: only then is it known which breaks meet.
    """
    codes: list[str] = []

    def mark(match: re.Match[str]) -> str:
        codes.append(match.group())
        return f"{_VALUE if match.group().startswith('{{') else _STATEMENT}{len(codes) - 1}{_END}"

    text = _read(CODE.sub(mark, _PRIVATE.sub("", html)))
    # A brace that was written as an entity is not code, and must not become it.
    literal = _OPENING.sub("{{ '{' }}", text if _STATEMENTS.search(text) else tidy(text))
    return _MARK.sub(lambda match: _unescaping(codes[int(match[1])]), literal)


def is_tidy(text: str) -> bool:
    return _LINE not in text and _PARAGRAPH not in text


def tidy(text: str) -> str:
    lines = (re.sub(r" {2,}", " ", line).strip(" ") for line in _GAP.sub(_gap, text).split("\n"))
    return "\n".join(lines).strip("\n") + "\n"


def of_html(html: str) -> str:
    return tidy(_read(_PRIVATE.sub("", html)))


def _read(html: str) -> str:
    reader = _Reader()
    for piece in pieces(html):
        reader.take(piece)
    return reader.text()


def _gap(match: re.Match[str]) -> str:
    gap = match.group()
    if _PARAGRAPH in gap:
        return "\n\n"
    return "\n" * max(1, gap.count("\n")) if _LINE in gap else gap


def _unescaping(code: str) -> str:
    """`{{ x|e }}` as `{{ x }}`."""
    if not code.startswith("{{"):
        return code
    inner = code[2:-2]
    end = len(inner)
    while (bar := inner.rfind("|", 0, end)) >= 0 and inner[bar + 1 : end].strip() in {"e", "escape"}:
        end = bar
    return f"{{{{{inner[:end]}}}}}"


class _Reader:
    def __init__(self) -> None:
        self._out: list[str] = []
        self._hidden_by = ""
        self._depth = 0
        self._link: tuple[str, int] | None = None
        self._preformatted = False

    def text(self) -> str:
        return "".join(self._out)

    def take(self, piece: Words | Tag | Raw) -> None:
        match piece:
            case Tag("body"):
                self._hidden_by = ""
            case Tag(name, is_end) if self._hidden_by:
                self._nest(name, is_end)
            case Tag(name, False) if name in _HIDDEN:
                self._hidden_by, self._depth = name, 1
            case Tag(name):
                self._tag(piece, name)
            case Words(text) if not self._hidden_by:
                self._out.append(text if self._preformatted else _SPACE.sub(" ", text))
            case _:
                # An `{% if %}` within a style says nothing, but what it opens may end elsewhere.
                self._out += _STATEMENTS.findall(piece.text)

    def _nest(self, name: str, is_end: bool) -> None:
        if name == self._hidden_by:
            self._depth += -1 if is_end else 1
            if self._depth == 0:
                self._hidden_by = ""

    def _tag(self, tag: Tag, name: str) -> None:
        if name == "a":
            self._end_link()
            self._link = None if tag.is_end else (tag.attribute("href"), len(self._out))
        elif name == "br":
            self._out.append("\n")
        elif name == "img":
            self._out.append(tag.attribute("alt"))
        elif name in {"td", "th"}:
            self._out.append(" ")
        else:
            self._block(tag, name)

    def _block(self, tag: Tag, name: str) -> None:
        if name in _PARAGRAPHS:
            self._out.append(_PARAGRAPH)
        elif name in _LINES:
            self._out.append(_LINE)
        if name == "li" and not tag.is_end:
            self._out.append("- ")
        if name == "pre":
            self._preformatted = not tag.is_end

    def _end_link(self) -> None:
        target, start = self._link or ("", 0)
        if not target or target.lower().startswith(("#", "javascript:")):
            return
        shown = "".join(self._out[start:]).strip()
        if shown != target.removeprefix("mailto:"):
            self._out.append(f" ({target})" if shown else target)
