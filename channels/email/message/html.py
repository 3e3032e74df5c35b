"""A tokenizer for HTML with template code in it, in time linear to the input's length.

The standard library's parser takes quadratic time for some inputs, and fails on others.
"""

import html
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

# Every repetition ends at the end of the input at the latest: no attempt is made in vain. Only single characters are
# repeated possessively, because Python before 3.11.5 gets possessive groups wrong (python/cpython#106052).
_QUOTED: Final = r"'(?:[^'\\]|\\(?:.|\Z))*(?:'|\Z)|\"(?:[^\"\\]|\\(?:.|\Z))*(?:\"|\Z)"
CODE: Final = re.compile(
    r"\{%[-+]?\s*raw\s*[-+]?%\}.*?(?:\{%[-+]?\s*endraw\s*[-+]?%\}|\Z)"
    rf"|\{{%(?:{_QUOTED}|(?!%\}})[^'\"])*(?:%\}}|\Z)"
    rf"|\{{\{{(?:{_QUOTED}|(?!\}}\}})[^'\"])*(?:\}}\}}|\Z)"
    r"|\{#.*?(?:#\}|\Z)",
    re.DOTALL,
)
_ATTRIBUTES: Final = r"(?:[^>=]|=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))?)*(?:>|\Z)"
_BODY_TAG = re.compile(rf"<body\b{_ATTRIBUTES}", re.IGNORECASE)
_TAG = re.compile(
    rf"<!--.*?(?:-->|\Z)|<[!?][^>]*+(?:>|\Z)|<(?P<end>/?)(?P<name>[A-Za-z][^\s/>]*+)(?P<rest>{_ATTRIBUTES})", re.DOTALL
)
_ATTRIBUTE = re.compile(r"([^\s=/>]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>]++)))?")
_END_OF_RAW_TEXT: Final = {
    name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in ("script", "style", "title", "textarea", "noscript")
}
_OVERLONG_NUMBER = re.compile(r"&#(?:[0-9]{8,}+|[xX][0-9a-fA-F]{7,}+);?")
_HIDDEN_STYLE = (
    "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all"
)


class Text(NamedTuple):
    text: str


class Tag(NamedTuple):
    name: str
    is_end: bool
    attributes: str

    def attribute(self, name: str) -> str:
        """Return the value of the first attribute of this name, or an empty text."""
        for match in _ATTRIBUTE.finditer(self.attributes):
            if match[1].lower() == name:
                return unescape(match[2] or match[3] or match[4] or "").strip()
        return ""


class RawText(NamedTuple):
    """The content of a script, a style and the like, which is not shown."""

    text: str


def tokenize(source: str) -> Iterator[Text | Tag | RawText]:
    position = 0
    while match := _TAG.search(source, position):
        if match.start() > position:
            yield Text(unescape(source[position : match.start()]))
        position = match.end()
        if match["name"] is None:
            continue
        name = match["name"].lower()
        yield Tag(name, bool(match["end"]), match["rest"])
        if name in _END_OF_RAW_TEXT and not match["end"]:
            end_tag = _END_OF_RAW_TEXT[name].search(source, position)
            end = end_tag.start() if end_tag else len(source)
            yield RawText(source[position:end])
            position = end
    yield Text(unescape(source[position:]))


def unescape(text: str) -> str:
    """Return the text with its character references resolved."""
    # Python refuses to convert a number of thousands of digits.
    return html.unescape(_OVERLONG_NUMBER.sub("\ufffd", text)) if "&" in text else text


def with_preheader(template: str, preheader: str) -> str:
    """Return the HTML template with the preheader's template first in its body, hidden.

    Mail programs list it after the subject. Its code stays code; the text between is escaped.
    """
    escaped: list[str] = []
    position = 0
    for match in CODE.finditer(preheader):
        escaped += [html.escape(preheader[position : match.start()]), match.group()]
        position = match.end()
    escaped.append(html.escape(preheader[position:]))
    body_tag = _BODY_TAG.search(template)
    start = body_tag.end() if body_tag else 0
    return f'{template[:start]}<span style="{_HIDDEN_STYLE}">{"".join(escaped)}</span>{template[start:]}'
