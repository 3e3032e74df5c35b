"""The plain text of a message's HTML, for mail programs that show no HTML."""

import re
from typing import Final

from channels.email.message.html import CODE, RawText, Tag, Text, tokenize

_HIDDEN: Final = frozenset({"head", "svg", "template"})
_PARAGRAPHS: Final = frozenset({"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"})
_LINES: Final = frozenset(
    {"address", "article", "aside", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form", "header"}
    | {"hr", "li", "main", "nav", "section", "tr"}
)
# Private-use characters stand for what plain text has no character for: code of two kinds, and breaks that merge.
_STATEMENT, _VALUE, _END, _LINE, _PARAGRAPH = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
_PRIVATE = re.compile("[\ue000-\ue004]")
_STATEMENTS = re.compile(f"{_STATEMENT}[0-9]+{_END}")
_PLACEHOLDER = re.compile(f"[{_STATEMENT}{_VALUE}]([0-9]+){_END}")
_GAP = re.compile(f"[ \n{_LINE}{_PARAGRAPH}]++")
_SPACE = re.compile(r"[ \t\r\n\f]++")
_OPENING_BRACE = re.compile(r"\{(?=[{%#])")


def of_template(html: str) -> str:
    """Return a template for the text, made from the HTML's template: its code passes through.

    Where it has statements, the rendered text must pass through `tidy`: only then is it known which breaks merge.
    """
    codes: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        codes.append(match.group())
        return f"{_VALUE if match.group().startswith('{{') else _STATEMENT}{len(codes) - 1}{_END}"

    def put_back(match: re.Match[str]) -> str:
        code = codes[int(match[1])]
        if not code.startswith("{{"):
            return code
        # `{{ x|e }}` as `{{ x }}`: text needs no escaping for HTML.
        expression = code[2:-2]
        end = len(expression)
        while (bar := expression.rfind("|", 0, end)) >= 0 and expression[bar + 1 : end].strip() in {"e", "escape"}:
            end = bar
        return f"{{{{{expression[:end]}}}}}"

    text = _text_of(CODE.sub(put_aside, _PRIVATE.sub("", html)))
    # A brace that was written as an entity is not code, and must not become it.
    literal = _OPENING_BRACE.sub("{{ '{' }}", text if _STATEMENTS.search(text) else tidy(text))
    return _PLACEHOLDER.sub(put_back, literal)


def is_tidy(text: str) -> bool:
    return _LINE not in text and _PARAGRAPH not in text


def tidy(text: str) -> str:
    """Return the text with its breaks merged and its spaces collapsed."""

    def merge(match: re.Match[str]) -> str:
        gap = match.group()
        if _PARAGRAPH in gap:
            return "\n\n"
        return "\n" * max(1, gap.count("\n")) if _LINE in gap else gap

    lines = (re.sub(r" {2,}", " ", line).strip(" ") for line in _GAP.sub(merge, text).split("\n"))
    return "\n".join(lines).strip("\n") + "\n"


def of_html(html: str) -> str:
    return tidy(_text_of(_PRIVATE.sub("", html)))


def _text_of(html: str) -> str:
    extractor = _TextExtractor()
    for token in tokenize(html):
        extractor.feed(token)
    return "".join(extractor.output)


class _TextExtractor:
    def __init__(self) -> None:
        self.output: list[str] = []
        self._hidden_by = ""
        self._depth = 0
        self._link: tuple[str, int] | None = None
        self._preformatted = False

    def feed(self, token: Text | Tag | RawText) -> None:
        match token:
            case Tag("body"):
                self._hidden_by = ""
            case Tag(name, is_end) if self._hidden_by:
                if name == self._hidden_by:
                    self._depth += -1 if is_end else 1
                    if self._depth == 0:
                        self._hidden_by = ""
            case Tag(name, False) if name in _HIDDEN:
                self._hidden_by, self._depth = name, 1
            case Tag():
                self._feed_visible_tag(token)
            case Text(text) if not self._hidden_by:
                self.output.append(text if self._preformatted else _SPACE.sub(" ", text))
            case _:
                # An `{% if %}` within a style shows nothing, but its `{% endif %}` may be elsewhere.
                self.output += _STATEMENTS.findall(token.text)

    def _feed_visible_tag(self, tag: Tag) -> None:
        match tag.name:
            case "a":
                # A link that is not closed ends where the next one begins.
                target, start = self._link or ("", 0)
                if target and not target.lower().startswith(("#", "javascript:")):
                    label = "".join(self.output[start:]).strip()
                    if label != target.removeprefix("mailto:"):
                        self.output.append(f" ({target})" if label else target)
                self._link = None if tag.is_end else (tag.attribute("href"), len(self.output))
            case "br":
                self.output.append("\n")
            case "img":
                self.output.append(tag.attribute("alt"))
            case "td" | "th":
                self.output.append(" ")
            case name if name in _PARAGRAPHS:
                self.output.append(_PARAGRAPH)
                if name == "pre":
                    self._preformatted = not tag.is_end
            case name if name in _LINES:
                self.output.append(_LINE)
                if name == "li" and not tag.is_end:
                    self.output.append("- ")
            case _:
                pass
