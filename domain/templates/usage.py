"""Templates that know which variables they read, so that nothing else need be loaded for them."""

from muster_sdk import Template, Templates

from domain.templates.rendering import MinijinjaTemplate


class TemplateUsage:
    """Templates of one content: whatever is compiled through it is remembered."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._compiled: list[Template] = []

    def compile(self, source: str, *, html: bool = False) -> Template:
        template = self._templates.compile(source, html=html)
        self._compiled.append(template)
        return template

    def reads(self, path: str) -> bool:
        """Return whether a template may read the variable, such as `customer.property`, or a part of it.

        True where that is not known: for templates of another engine, and before any was compiled.
        """
        return not self._compiled or any(
            not isinstance(template, MinijinjaTemplate) or template.reads(path) for template in self._compiled
        )
