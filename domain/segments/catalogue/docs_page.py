"""Writes docs/reference/dimensions.md: the catalogue, and the conditions of the specification that it answers."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from domain.customers.model import PropertyDefinition
from domain.kit.values import ValueType
from domain.segments.catalogue.build import catalogue
from domain.segments.catalogue.coverage import NAMES, NOT_HELD, TOGETHER
from domain.segments.catalogue.entries import OPERATORS, Catalogue

_SHOWN = 12
_HEAD = """# What segments may ask

Written by `make docs` from the catalogue in `domain/segments/catalogue/`. A store's own catalogue, with its properties,
its ranks and the types of events that it has seen, is what `dimensions` and `behaviors` answer. How conditions are
written is in [query-language.md](query-language.md). Numbers in brackets are those of the
[last table](#conditions-by-number).

Operators, unless a row says otherwise:

| type | operators |
|---|---|
"""
_OF_BEHAVIORS = """
## Behaviors

What customers did is counted, added up, averaged, timed (`count`, `sum`, `average`, `min`, `max`, `first`, `last`,
`distinct`, `share`), in a window or of all time, and narrowed by attributes. Those that are events are open: any other
attribute that they carry may be asked for too, and any other type of event is a behavior of its name. Orders that are
cancelled or deleted never count; items have any attribute as `facet.NAME`.
"""
_BY_NUMBER = """
## Conditions by number

| number | condition | answered by |
|---|---|---|
"""
_EXAMPLES = tuple(
    PropertyDefinition(0, number, f"KEY ({kind.value.lower()})", "A store's own", kind)
    for number, kind in enumerate(ValueType)
)


def page() -> str:
    known = catalogue(_EXAMPLES)
    parts = [_HEAD, *(f"| {kind.value} | {_listed(operators)} |\n" for kind, operators in OPERATORS.items())]
    by_group = attrgetter("group")
    for group, dimensions in groupby(sorted(known.dimensions.values(), key=by_group), by_group):
        parts.append(f"\n## {group.capitalize()}\n\n| key | label | type | values |\n|---|---|---|---|\n")
        for entry in dimensions:
            restrictions: list[str] = []
            if entry.options is not None:
                values = _listed(f"`{option.value}`" for option in entry.options[:_SHOWN])
                more = f", and {len(entry.options) - _SHOWN} more" if len(entry.options) > _SHOWN else ""
                restrictions.append(f"{'one of' if entry.closed else 'such as'} {values}{more}")
            if entry.operators != OPERATORS[entry.type]:
                restrictions.append(f"operators {_listed(entry.operators)}")
            key = f"`{entry.key}`{_rules(entry.rules)}"
            parts.append(f"| {key} | {entry.label} | {entry.type.value} | {'; '.join(restrictions)} |\n")
    parts.append(_OF_BEHAVIORS)
    for group, behaviors in groupby(sorted(known.behaviors.values(), key=by_group), by_group):
        parts.append(f"\n### {group.capitalize()}\n\n| key | label | attributes |\n|---|---|---|\n")
        for behavior in behaviors:
            attributes: list[str] = []
            for attribute in behavior.attributes:
                options = attribute.options
                suffix = "" if options is None else f": {_listed(option.value for option in options[:_SHOWN])}"
                attributes.append(f"`{attribute.key}` ({attribute.type.value.lower()}{suffix})")
            parts.append(f"| `{behavior.key}`{_rules(behavior.rules)} | {behavior.label} | {_listed(attributes)} |\n")
    parts.append(_BY_NUMBER)
    for number, keys in covered(known).items():
        answers = [_listed(f"`{key}`" for key in dict.fromkeys(keys))] if keys else []
        answers += [f"`{query}`" for query in TOGETHER.get(number, ())]
        answers += [f"**Not held.** {NOT_HELD[number]}"] if number in NOT_HELD else []
        parts.append(f"| {number} | {NAMES[number]} | {'; '.join(answers)} |\n")
    return "".join(parts)


def covered(known: Catalogue) -> dict[int, list[str]]:
    """Return the keys of what answers each condition of the specification."""
    keys: dict[int, list[str]] = {number: [] for number in NAMES}

    def add(key: str, rules: Iterable[int]) -> None:
        for number in rules:
            keys[number].append(key)

    for dimension in known.dimensions.values():
        add("property.KEY" if dimension.group == "property" else dimension.key, dimension.rules)
    for behavior in known.behaviors.values():
        add(f"{behavior.key}()", behavior.rules)
        for attribute in behavior.attributes:
            add(f"{behavior.key}({attribute.key})", attribute.rules)
    return keys


def _listed(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))


def _rules(rules: tuple[int, ...]) -> str:
    return f" ({_listed(sorted(rules))})" if rules else ""
