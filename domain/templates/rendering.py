"""Renders templates that strangers wrote: nothing of Python within reach, and bounds on work and length."""

from collections.abc import Mapping

from minijinja import Environment, TemplateError
from muster_sdk import Template, TemplateInvalid

from domain.templates import limits

OUTPUT_LENGTH = 1_000_000
_NAME = "template"


class MinijinjaTemplates:
    """Jinja's language as minijinja has it, within `limits`."""

    def compile(self, source: str, *, html: bool = False) -> Template:
        limits.check(source)
        environment = Environment(
            fuel=limits.fuel(source),
            debug=False,
            pycompat=False,
            undefined_behavior="chainable",
            keep_trailing_newline=True,
            auto_escape_callback=_escape_html if html else _escape_nothing,
        )
        try:
            environment.add_template(_NAME, source)
        except TemplateError as error:
            raise _invalid(error) from None
        return _Compiled(environment)


class _Compiled:
    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def render(self, variables: Mapping[str, object]) -> str:
        try:
            text: str = self._environment.render_template(_NAME, **variables)
        except TemplateError as error:
            raise _invalid(error) from None
        if len(text) > OUTPUT_LENGTH:
            raise TemplateInvalid(f"it renders to more than {OUTPUT_LENGTH:,} characters")
        return text


def _escape_html(_: str) -> str:
    return "html"


def _escape_nothing(_: str) -> bool:
    return False


def _invalid(error: TemplateError) -> TemplateInvalid:
    return TemplateInvalid(str(error.message or error.kind), error.line)
