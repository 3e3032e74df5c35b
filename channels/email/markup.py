"""Where a template's code begins and ends within its HTML."""

import html
import re
from collections.abc import Callable
from typing import Final

_QUOTED: Final = r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\""
CODE: Final = re.compile(
    r"\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}"
    rf"|\{{%(?:{_QUOTED}|(?!%\}})[^'\"])*+%\}}"
    rf"|\{{\{{(?:{_QUOTED}|(?!\}}\}})[^'\"])*+\}}\}}"
    r"|\{#.*?#\}",
    re.DOTALL,
)
_BODY = re.compile(r"<body\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*+>", re.IGNORECASE)
_UNSEEN = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all"


def with_preheader(template: str, preheader: str) -> str:
    """The HTML's template with the preheader's before anything that shows: mail programs list it, and hide it."""
    unseen = f'<span style="{_UNSEEN}">{between_code(preheader, html.escape)}</span>'
    body = _BODY.search(template)
    place = body.end() if body else 0
    return template[:place] + unseen + template[place:]


def between_code(template: str, change: Callable[[str], str]) -> str:
    """The template with everything but its code changed."""
    done: list[str] = []
    place = 0
    for match in CODE.finditer(template):
        done += [change(template[place : match.start()]), match.group()]
        place = match.end()
    return "".join([*done, change(template[place:])])
