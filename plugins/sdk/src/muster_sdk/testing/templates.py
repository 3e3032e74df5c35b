"""The host's template engine as tests have it: Jinja's language by minijinja, within strict limits."""

from collections.abc import Mapping
from typing import Any

from minijinja import Environment, TemplateError

from muster_sdk.errors import TemplateInvalid

__all__ = ["KitTemplate", "KitTemplates"]

_SOURCE_LENGTH = 200_000
_OUTPUT_LENGTH = 1_000_000
_FUEL = 50_000
# The host has none of these: they make much of little, or show what is inside.
_REMOVED = ("debug", "dict", "namespace", "range")


class KitTemplates:
    """A `Templates`: 200,000 characters of source, 1,000,000 of output, 50,000 steps of work at most.

    The host also refuses what could exceed its memory, such as a chain of 500 operators, before it is rendered.

        composer = channel.prepare(content, settings, KitTemplates())
    """

    def compile(self, source: str, *, html: bool = False) -> "KitTemplate":
        """Compile a template. Raise TemplateInvalid."""
        if len(source) > _SOURCE_LENGTH:
            raise TemplateInvalid(f"It has more than {_SOURCE_LENGTH:,} characters")
        environment = Environment(
            fuel=_FUEL,
            debug=False,
            pycompat=False,
            undefined_behavior="chainable",
            keep_trailing_newline=True,
            auto_escape_callback=lambda _: "html" if html else False,
            finalizer=_without_none,
        )
        for name in _REMOVED:
            environment.remove_global(name)
        try:
            environment.add_template("template", source)
        except TemplateError as error:
            raise _invalid(error) from None
        return KitTemplate(environment)


class KitTemplate:
    """A `Template` of `KitTemplates`."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment

    def render(self, variables: Mapping[str, object]) -> str:
        """Return the text. Raise TemplateInvalid."""
        try:
            text: str = self._environment.render_template("template", **variables)
        except TemplateError as error:
            raise _invalid(error) from None
        if len(text) > _OUTPUT_LENGTH:
            raise TemplateInvalid(f"It renders to more than {_OUTPUT_LENGTH:,} characters")
        return text


def _without_none(value: object) -> object:
    return "" if value is None else value


def _invalid(error: TemplateError) -> TemplateInvalid:
    return TemplateInvalid(str(error.message or error.kind), error.line)
