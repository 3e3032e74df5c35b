"""Templates that strangers wrote are rendered without reach into Python, in bounds of work and length."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence

from minijinja import Environment, TemplateError
from muster_sdk import TemplateFilter, TemplateInvalid

from domain.templates import limits

OUTPUT_LENGTH = 1_000_000
_NAME = "template"
_TOO_LONG = f"It renders to more than {OUTPUT_LENGTH:,} characters"


class MinijinjaTemplates:
    """Jinja's language as minijinja has it, within `limits`; `filters` are those that plugins add to it."""

    def __init__(self, filters: Sequence[TemplateFilter] = ()) -> None:
        self._filters = {added.name: _bounded(added) for added in filters}

    def compile(self, source: str, *, html: bool = False) -> "MinijinjaTemplate":
        checked = limits.check(source, self._filters)
        printed = _Printed()
        environment = Environment(
            fuel=checked.fuel,
            debug=False,
            pycompat=False,
            undefined_behavior="chainable",
            keep_trailing_newline=True,
            auto_escape_callback=lambda _: "html" if html else False,
            finalizer=printed.add,
        )
        for name, apply in self._filters.items():
            environment.add_filter(name, apply)
        for name in limits.FUNCTIONS:
            environment.remove_global(name)
        try:
            environment.add_template(_NAME, source)
        except TemplateError as error:
            raise _invalid(error) from None
        return MinijinjaTemplate(environment, printed, checked.bound_names)


class MinijinjaTemplate:
    def __init__(self, environment: Environment, printed: "_Printed", bound_names: Collection[str]) -> None:
        self._environment = environment
        self._printed = printed
        self._bound_names = bound_names

    def render(self, variables: Mapping[str, object]) -> str:
        self._printed.characters = 0
        try:
            text: str = self._environment.render_template(_NAME, **variables)
        except TemplateError as error:
            raise _invalid(error) from None
        if len(text) > OUTPUT_LENGTH:
            raise TemplateInvalid(_TOO_LONG)
        return text

    def reads(self, path: str) -> bool:
        """Return whether it may read the variable, such as `customer.property`, or a part of it, in any way."""
        variables = self._environment.undeclared_variables_in_template(_NAME, nested=True)
        # The engine does not say what is read of a variable through one of the same name: `set customer = customer`.
        return any(
            name == path or name.startswith(f"{path}.") or path.startswith(f"{name}.")
            for name in (*variables, *self._bound_names)
        )


class _Printed(threading.local):
    """Counts the characters of variables that a rendering puts out, in each thread: the engine counts steps alone."""

    characters = 0

    def add(self, value: object) -> object:
        if value is None:
            return ""
        self.characters += len(value if isinstance(value, str) else str(value))
        if self.characters > OUTPUT_LENGTH:
            raise TemplateInvalid(_TOO_LONG)
        return value


def _bounded(added: TemplateFilter) -> Callable[..., object]:
    """Return the filter as one that raises nothing but TemplateInvalid, and makes no more than it may."""

    def apply(*arguments: object, **options: object) -> object:
        try:
            value: object = added.apply(*arguments, **options)
        except TemplateInvalid:
            raise
        except Exception as error:
            # Without its text, which may hold a customer's data.
            raise TemplateInvalid(f"The filter {added.name!r} failed: {type(error).__name__}") from error
        if not isinstance(value, str | int | float | None):
            raise TemplateInvalid(f"The filter {added.name!r} made a {type(value).__name__}: text or a number is right")
        if len(str(value)) > limits.FILTERED_LENGTH:
            raise TemplateInvalid(f"The filter {added.name!r} made more than {limits.FILTERED_LENGTH:,} characters")
        # A text of a class of its own could pass as escaped already.
        return str(value) if isinstance(value, str) else value

    return apply


def _invalid(error: TemplateError) -> TemplateInvalid:
    return TemplateInvalid(str(error.message or error.kind), error.line)
