"""HTML in pieces: a template's code, tags and words. No input takes longer than its length warrants.

The standard library's parser takes quadratic time for some inputs, and fails on others.
"""

import html
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

# Everything here ends at the end of the text at the latest: what is tried is never tried in vain.
_QUOTED: Final = r"'(?:[^'\\]|\\.)*+(?:'|\Z)|\"(?:[^\"\\]|\\.)*+(?:\"|\Z)"
CODE: Final = re.compile(
    r"\{%[-+]?\s*raw\s*[-+]?%\}.*?(?:\{%[-+]?\s*endraw\s*[-+]?%\}|\Z)"
    rf"|\{{%(?:{_QUOTED}|(?!%\}})[^'\"])*+(?:%\}}|\Z)"
    rf"|\{{\{{(?:{_QUOTED}|(?!\}}\}})[^'\"])*+(?:\}}\}}|\Z)"
    r"|\{#.*?(?:#\}|\Z)",
    re.DOTALL,
)
_ATTRIBUTES: Final = r"(?:[^>=]|=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))?+)*+(?:>|\Z)"
_BODY = re.compile(rf"<body\b{_ATTRIBUTES}", re.IGNORECASE)
_TAG = re.compile(
    rf"<!--.*?(?:-->|\Z)|<[!?][^>]*+(?:>|\Z)|<(?P<end>/?)(?P<name>[A-Za-z][^\s/>]*+)(?P<rest>{_ATTRIBUTES})", re.DOTALL
)
_ATTRIBUTE = re.compile(r"([^\s=/>]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>]++)))?+")
_RAW: Final = {
    name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in ("script", "style", "title", "textarea", "noscript")
}
_ENDLESS_NUMBER = re.compile(r"&#(?:[0-9]{8,}+|[xX][0-9a-fA-F]{7,}+);?")
_UNSEEN = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all"


class Words(NamedTuple):
    text: str


class Tag(NamedTuple):
    name: str
    is_end: bool
    attributes: str

    def attribute(self, wanted: str) -> str:
        for match in _ATTRIBUTE.finditer(self.attributes):
            if match[1].lower() == wanted:
                return unescaped(match[2] or match[3] or match[4] or "").strip()
        return ""


class Raw(NamedTuple):
    """What is in a script, a style and the like: nobody's text."""

    text: str


def pieces(source: str) -> Iterator[Words | Tag | Raw]:
    place = 0
    while match := _TAG.search(source, place):
        if match.start() > place:
            yield Words(unescaped(source[place : match.start()]))
        place = match.end()
        if match["name"] is None:
            continue
        name = match["name"].lower()
        yield Tag(name, bool(match["end"]), match["rest"])
        if name in _RAW and not match["end"]:
            ending = _RAW[name].search(source, place)
            end = ending.start() if ending else len(source)
            yield Raw(source[place:end])
            place = end
    yield Words(unescaped(source[place:]))


def unescaped(text: str) -> str:
    return html.unescape(_ENDLESS_NUMBER.sub("\ufffd", text)) if "&" in text else text


def with_preheader(template: str, preheader: str) -> str:
    """The HTML's template with the preheader's before anything that shows: mail programs list it, and hide it."""
    unseen = f'<span style="{_UNSEEN}">{_escaped_between_code(preheader)}</span>'
    body = _BODY.search(template)
    place = body.end() if body else 0
    return template[:place] + unseen + template[place:]


def _escaped_between_code(template: str) -> str:
    done: list[str] = []
    place = 0
    for match in CODE.finditer(template):
        done += [html.escape(template[place : match.start()]), match.group()]
        place = match.end()
    return "".join([*done, html.escape(template[place:])])
