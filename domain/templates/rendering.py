"""Renders templates that strangers wrote: nothing of Python within reach, and bounds on work and length."""

import threading
from collections.abc import Mapping

from minijinja import Environment, TemplateError
from muster_sdk import Template, TemplateInvalid

from domain.templates import limits

OUTPUT_LENGTH = 1_000_000
_NAME = "template"
_TOO_LONG = f"it renders to more than {OUTPUT_LENGTH:,} characters"


class MinijinjaTemplates:
    """Jinja's language as minijinja has it, within `limits`."""

    def compile(self, source: str, *, html: bool = False) -> Template:
        printed = _Printed()
        environment = Environment(
            fuel=limits.check(source),
            debug=False,
            pycompat=False,
            undefined_behavior="chainable",
            keep_trailing_newline=True,
            auto_escape_callback=_escape_html if html else _escape_nothing,
            finalizer=printed.add,
        )
        for name in limits.FUNCTIONS:
            environment.remove_global(name)
        try:
            environment.add_template(_NAME, source)
        except TemplateError as error:
            raise _invalid(error) from None
        return _Compiled(environment, printed)


class _Compiled:
    def __init__(self, environment: Environment, printed: "_Printed") -> None:
        self._environment = environment
        self._printed = printed

    def render(self, variables: Mapping[str, object]) -> str:
        self._printed.characters = 0
        try:
            text: str = self._environment.render_template(_NAME, **variables)
        except TemplateError as error:
            raise _invalid(error) from None
        if len(text) > OUTPUT_LENGTH:
            raise TemplateInvalid(_TOO_LONG)
        return text


class _Printed(threading.local):
    """How much of its variables a rendering has put out, in each thread by itself: the engine counts steps alone."""

    characters = 0

    def add(self, value: object) -> object:
        if value is None:
            return ""
        self.characters += len(value if isinstance(value, str) else str(value))
        if self.characters > OUTPUT_LENGTH:
            raise TemplateInvalid(_TOO_LONG)
        return value


def _escape_html(_: str) -> str:
    return "html"


def _escape_nothing(_: str) -> bool:
    return False


def _invalid(error: TemplateError) -> TemplateInvalid:
    return TemplateInvalid(str(error.message or error.kind), error.line)
