"""Filters as the audit log records them: their conditions, without a value that may be one person's."""

from typing import Any

from api.graphql.kit.json_types import is_array, is_object
from domain.audit.model import HIDDEN
from domain.segments.filters import Filter, to_input

# The texts of these are shared by many customers, and chosen by the store.
_SHARED = frozenset({"account_status", "country", "gender", "locale", "loyalty_rank", "source", "tag", "tier"})
# Of one person, whatever its type.
_PERSONAL = frozenset({"birthday"})


def recorded_filter(tree: Filter | None) -> object:
    """Return the filter as JSON; texts are hidden unless they are shared by many."""
    return None if tree is None else _recorded(to_input(tree))


def _recorded(part: Any) -> Any:
    # What to_input has written: objects with known keys, lists and scalars.
    match part:
        case {"dimension": str(dimension), "values": values}:
            return {**part, "values": _values(values, dimension)}
        case {"values": values, **others}:
            return {**_recorded(others), "values": _values(values)}
        case _ if is_object(part):
            return {key: _recorded(value) for key, value in part.items()}
        case _ if is_array(part):
            return [_recorded(item) for item in part]
        case _:
            return part


def _values(values: list[object], dimension: str = "") -> list[object]:
    if dimension in _SHARED:
        return values
    return [HIDDEN if isinstance(value, str) or dimension in _PERSONAL else value for value in values]
