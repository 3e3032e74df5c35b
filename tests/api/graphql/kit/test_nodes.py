from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import strawberry
from strawberry import Schema

from api.graphql.kit.connection import Connection, Slice
from api.graphql.kit.context import Context, ServerServices
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.nodes import Node, connection_of, find_node, find_node_of, list_of, load_node, named, node
from domain.kit.db import Database, Transaction
from domain.stores.model import Principal


@strawberry.type
class Query:
    """Refers to types that are declared behind it."""

    @strawberry.field(graphql_type=named("Planet") | None)
    def planet(self) -> Node | None:
        return node("Planet", "Mars")

    @strawberry.field(graphql_type=list_of("Planet"))
    def planets(self) -> list[Node]:
        return [node("Planet", name) for name in ("Venus", "Mars")]

    @strawberry.field(graphql_type=connection_of("Planet"))
    def page(self) -> Connection[Node]:
        async def count() -> int:
            return 1

        return Connection(page=Slice([node("Planet", "Venus")], ["c"], False, False), count=count)


@strawberry.type
class Planet(Node):
    row: strawberry.Private[str]
    key_type = int

    id: strawberry.ID = derived(lambda self: encode("Planet", len(self.row)))
    name: str = derived(lambda self: self.row)

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[int]) -> Mapping[int, str]:
        return {key: f"{cls.__name__} {key}" for key in keys if key < 10}


@strawberry.type
class Comet(Node):
    row: strawberry.Private[str]


@dataclass(frozen=True)
class FakeServices:
    database: Database


@dataclass(frozen=True)
class FakeStore:
    id: int = 1


@dataclass(frozen=True)
class FakePrincipal:
    store: FakeStore


def make_context(database: Database) -> Context:
    return Context(cast(ServerServices, FakeServices(database)), cast(Principal, FakePrincipal(FakeStore())))


def name_of(planet: Any) -> str | None:
    return None if planet is None else planet.row


async def test_types_are_named_before_they_are_declared() -> None:
    result = await Schema(Query, types=[Planet]).execute(
        "{ planet { name } planets { name } page { nodes { name } totalCount } }"
    )
    assert result.errors is None
    assert result.data == {
        "planet": {"name": "Mars"},
        "planets": [{"name": "Venus"}, {"name": "Mars"}],
        "page": {"nodes": [{"name": "Venus"}], "totalCount": 1},
    }


async def test_objects_are_found_by_their_ids(database: Database) -> None:
    context = make_context(database)
    assert name_of(await find_node(context, encode("Planet", 4))) == "Planet 4"
    assert name_of(await find_node_of(context, Planet, encode("Planet", 4))) == "Planet 4"
    assert name_of(await load_node(context, "Planet", 5)) == "Planet 5"


async def test_ids_of_nothing_find_nothing(database: Database) -> None:
    context = make_context(database)
    for gid in (encode("Planet", 11), encode("Comet", 1), encode("Moon", 1), "nonsense"):
        assert await find_node(context, gid) is None
    assert await find_node_of(context, Comet, encode("Planet", 4)) is None
    assert await load_node(context, "Planet", "a key of another type") is None
