"""The text of docs/reference/dimensions.md: what segments may ask, and which condition of the specification it is."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from domain.customers.model import PropertyDefinition
from domain.kit.values import ValueType
from domain.segments.catalogue.build import catalogue
from domain.segments.catalogue.coverage import NAMES, NOT_HELD, TOGETHER
from domain.segments.catalogue.entries import OPERATORS, BehaviorEntry, Catalogue, CatalogueEntry, DimensionEntry

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
    for group, found in groupby(sorted(known.dimensions.values(), key=_group), _group):
        parts.append(f"\n## {group.capitalize()}\n\n| key | label | type | values |\n|---|---|---|---|\n")
        parts += (_row(each) for each in found)
    parts.append(_OF_BEHAVIORS)
    for group, having in groupby(sorted(known.behaviors.values(), key=_group_of), _group_of):
        parts.append(f"\n### {group.capitalize()}\n\n| key | label | attributes |\n|---|---|---|\n")
        parts += (_behavior(each) for each in having)
    return "".join([*parts, _BY_NUMBER, *(_numbered(number, known) for number in NAMES)])


def covered(known: Catalogue) -> dict[int, list[str]]:
    """The keys of what answers each condition."""
    found: dict[int, list[str]] = {number: [] for number in NAMES}
    for key, rules in _ruled(known):
        for number in rules:
            found[number].append(key)
    return found


def _ruled(known: Catalogue) -> Iterator[tuple[str, tuple[int, ...]]]:
    for dimension in known.dimensions.values():
        key = "property.KEY" if dimension.group == "property" else dimension.key
        yield key, dimension.rules
    for behavior in known.behaviors.values():
        yield f"{behavior.key}()", behavior.rules
        for attribute in behavior.attributes:
            yield f"{behavior.key}({attribute.key})", attribute.rules


def _group(dimension: DimensionEntry) -> str:
    return dimension.group


def _group_of(behavior: BehaviorEntry) -> str:
    return behavior.group


def _listed(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))


def _row(entry: DimensionEntry) -> str:
    return f"| `{entry.key}`{_rules(entry.rules)} | {entry.label} | {entry.type.value} | {_values(entry)} |\n"


def _rules(rules: tuple[int, ...]) -> str:
    return f" ({_listed(sorted(rules))})" if rules else ""


def _values(entry: CatalogueEntry) -> str:
    said: list[str] = []
    if entry.options is not None:
        shown = _listed(f"`{option.value}`" for option in entry.options[:_SHOWN])
        more = f", and {len(entry.options) - _SHOWN} more" if len(entry.options) > _SHOWN else ""
        said.append(f"{'one of' if entry.closed else 'such as'} {shown}{more}")
    if entry.operators != OPERATORS[entry.type]:
        said.append(f"operators {_listed(entry.operators)}")
    return "; ".join(said)


def _behavior(behavior: BehaviorEntry) -> str:
    attributes = _listed(f"`{each.key}` ({_kind(each)})" for each in behavior.attributes)
    return f"| `{behavior.key}`{_rules(behavior.rules)} | {behavior.label} | {attributes} |\n"


def _kind(entry: CatalogueEntry) -> str:
    kind = entry.type.value.lower()
    if entry.options is None:
        return kind
    return f"{kind}: {_listed(option.value for option in entry.options[:_SHOWN])}"


def _numbered(number: int, known: Catalogue) -> str:
    keys = list(dict.fromkeys(covered(known)[number]))
    said = [_listed(f"`{key}`" for key in keys)] if keys else []
    said += [f"`{query}`" for query in TOGETHER.get(number, ())]
    said += [f"**Not held.** {NOT_HELD[number]}"] if number in NOT_HELD else []
    return f"| {number} | {NAMES[number]} | {'; '.join(said)} |\n"
