"""The plain text of a message's HTML, for mail programs that show none."""

import re
from html.parser import HTMLParser
from typing import Final

from channels.email.markup import CODE

_HIDDEN: Final = frozenset({"head", "noscript", "script", "style", "svg", "template", "title"})
_PARAGRAPHS: Final = frozenset({"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"})
_LINES: Final = frozenset(
    {"address", "article", "aside", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form", "header"}
    | {"hr", "li", "main", "nav", "section", "tr"}
)
_CELLS: Final = frozenset({"td", "th"})
# Private characters stand for what HTML has no name for: code, of two kinds, and breaks, which do not add up.
_STATEMENT, _VALUE, _END, _LINE, _PARAGRAPH = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
_PRIVATE = re.compile("[\ue000-\ue004]")
_STATEMENTS = re.compile(f"{_STATEMENT}\\d+{_END}")
_MARK = re.compile(f"[{_STATEMENT}{_VALUE}](\\d+){_END}")
_BREAKS = re.compile(f"[ \n]*[{_LINE}{_PARAGRAPH}][ \n{_LINE}{_PARAGRAPH}]*")
_OPENING = re.compile(r"\{(?=[{%#])")
_ESCAPING = re.compile(r"\|\s*(?:escape|e)\b(?:\s*\(\s*\))?(?=[^'\"]*\Z)")


def of_template(html: str) -> str:
    """A template for the text, out of the one for the HTML: its code passes through, so it costs nothing later."""
    codes: list[str] = []

    def mark(match: re.Match[str]) -> str:
        codes.append(match.group())
        return f"{_VALUE if match.group().startswith('{{') else _STATEMENT}{len(codes) - 1}{_END}"

    text = _text(CODE.sub(mark, _PRIVATE.sub("", html)))
    # A brace that was written as an entity is not code, and must not become it.
    literal = _OPENING.sub("{{ '{' }}", text)
    return _MARK.sub(lambda match: _unescaping(codes[int(match[1])]), literal)


def of_html(html: str) -> str:
    return _text(_PRIVATE.sub("", html))


def _text(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [re.sub(r" {2,}", " ", line).strip(" ") for line in _BREAKS.sub(_breaks, reader.text()).split("\n")]
    return "\n".join(lines).strip("\n") + "\n"


def _breaks(match: re.Match[str]) -> str:
    return "\n\n" if _PARAGRAPH in match.group() else "\n" * max(1, match.group().count("\n"))


def _unescaping(code: str) -> str:
    return _ESCAPING.sub("", code.removesuffix("}}")) + "}}" if code.startswith("{{") else code


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._hidden: list[str] = []
        self._links: list[tuple[str, int]] = []
        self._preformatted = 0

    def text(self) -> str:
        return "".join(self._out)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self._hidden.clear()
        elif tag in _HIDDEN:
            self._hidden.append(tag)
        elif not self._hidden:
            self._start(tag, dict(attrs))

    def _start(self, tag: str, given: dict[str, str | None]) -> None:
        if tag == "a":
            self._links.append(((given.get("href") or "").strip(), len(self._out)))
        elif tag == "br":
            self._out.append("\n")
        elif tag == "img":
            self._out.append(given.get("alt") or "")
        else:
            self._break(tag)
            self._out.append("- " if tag == "li" else "")
        self._preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            if tag in self._hidden:
                del self._hidden[self._hidden.index(tag) :]
        elif not self._hidden:
            self._end(tag)

    def _end(self, tag: str) -> None:
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in _CELLS:
            self._out.append(" ")
        else:
            self._break(tag)
        self._preformatted -= tag == "pre" and self._preformatted > 0

    def handle_data(self, data: str) -> None:
        if self._hidden:
            # An `{% if %}` within a style says nothing, but what it opens may end elsewhere.
            self._out += _STATEMENTS.findall(data)
        else:
            self._out.append(data if self._preformatted else re.sub(r"[ \t\r\n\f]+", " ", data))

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self._out.append(_PARAGRAPH)
        elif tag in _LINES:
            self._out.append(_LINE)

    def _end_link(self, target: str, start: int) -> None:
        shown = "".join(self._out[start:]).strip()
        if target and not target.startswith(("#", "javascript:")) and shown != target.removeprefix("mailto:"):
            self._out.append(f" ({target})" if shown else target)
