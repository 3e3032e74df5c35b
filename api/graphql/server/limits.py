"""Limits of a document: how much it may hold, and how much it may make the server fetch."""

from dataclasses import dataclass

from graphql import GraphQLError

from api.graphql.kit.errors import QUERY_TOO_COMPLEX, refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one document may hold, and that an operation of it may cost."""

    characters: int = 200_000
    tokens: int = 2_000
    depth: int = 16
    aliases: int = 50
    root_fields: int = 50
    same_name: int = 10
    overlaps: int = 400
    operations: int = 10
    fragments: int = 50
    directives: int = 5
    value_depth: int = 30
    fields: int = 5_000
    cost: int = 5_000
    # Of inputs that contain themselves: a filter has 100 conditions at most.
    tree_objects: int = 2_000


def too_complex(noun: str, limit: int, **numbers: int) -> GraphQLError:
    return refusal(f"Too many {noun}: at most {limit:,}", QUERY_TOO_COMPLEX, limit=limit, **numbers)
