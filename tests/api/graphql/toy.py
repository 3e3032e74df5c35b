"""A small schema and endpoint that exercise the kit without any topic of the product."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Optional

import strawberry
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from api.graphql.kit.connection import Connection, Page, Slice
from api.graphql.kit.errors import UserError, forbidden
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.nodes import Node
from api.graphql.kit.prices import priced
from api.graphql.kit.scalars import JSON, SCALARS
from api.graphql.kit.upload import Upload
from api.graphql.server.authorization import Scopes
from api.graphql.server.connection_life import ConnectionLimits
from api.graphql.server.endpoint import GraphQLEndpoint
from api.http import graphiql
from domain.kit.errors import DomainError, DomainErrors

UNSET: Any = strawberry.UNSET


@dataclass
class Asking:
    principal: str


ToyInfo = Info[Asking, None]


@strawberry.type
class Pebble(Node):
    key: strawberry.Private[int]
    name: str
    id: strawberry.ID = derived(lambda pebble: encode("Pebble", pebble.key))

    @strawberry.field
    def pebbles(self, first: int | None = UNSET, after: str | None = UNSET) -> Connection["Pebble"]:
        return pebbles(first, after)

    @strawberry.field(metadata=priced(25))
    def weight(self) -> int:
        return self.key

    @strawberry.field
    def twin(self) -> Optional["Pebble"]:
        return self


def pebbles(first: int | None = None, after: str | None = None) -> Connection[Pebble]:
    page = Page.of(first, after)
    result = [Pebble(key=key, name=f"pebble {key}") for key in range(1, min(page.size, 3) + 1)]

    async def count() -> int:
        return 3

    return Connection(page=Slice(result, [p.name for p in result], False, False), count=count)


@strawberry.input(one_of=True)
class Choice:
    left: str | None = UNSET
    right: Optional["Choice"] = UNSET
    several: list["Choice"] | None = UNSET


async def slow_work() -> None:
    """What takes long; a test replaces it."""


@strawberry.type
class Query:
    @strawberry.field
    def pebbles(self, first: int | None = UNSET, after: str | None = UNSET) -> Connection[Pebble]:
        return pebbles(first, after)

    @strawberry.field
    def nodes(self, ids: list[strawberry.ID]) -> list[Pebble | None]:
        return [None for _ in ids]

    @strawberry.field
    def echo(  # noqa: PLR0917 - one argument a scalar
        self,
        text: str = "",
        number: int = 0,
        at: datetime | None = None,
        day: date | None = None,
        amount: Decimal | None = None,
        value: JSON | None = None,
        choice: Choice | None = None,
    ) -> JSON:
        values = [at and at.isoformat(), day and day.isoformat(), amount and str(amount)]
        return JSON([text, number, *values, value])

    @strawberry.field
    async def slow(self) -> bool:
        await slow_work()
        return True

    @strawberry.field(metadata=priced(500))
    def survey(self) -> int:
        return 0

    @strawberry.field(metadata=priced(200, "text"))
    def searched(self, text: str | None = None) -> str | None:
        return text

    @strawberry.field
    def at(self, at: datetime) -> datetime:
        return at

    @strawberry.field
    def bug(self) -> str | None:
        raise RuntimeError("password=hunter2")

    @strawberry.field
    def busy(self) -> str | None:
        raise PoolTimeout("no connection is free")

    @strawberry.field
    def rule(self) -> str | None:
        raise DomainError("The filter is empty.", field=("include", "all", 0))

    @strawberry.field
    def rules(self) -> str | None:
        raise DomainErrors([DomainError("one", field=("a",)), DomainError("two")])

    @strawberry.field
    def secret(self) -> str | None:
        raise forbidden("admin")

    @strawberry.field
    def who(self, info: ToyInfo) -> str:
        return info.context.principal


@strawberry.type
class Stored:
    names: list[str]
    types: list[str]
    sizes: list[int]
    user_errors: list[UserError]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def touch(self) -> str:
        return "touched"

    @strawberry.mutation
    def busy(self) -> str:
        raise PoolTimeout("no connection is free")

    @strawberry.mutation
    async def store(self, files: list[Upload]) -> Stored:
        sizes = [sum([len(chunk) async for chunk in file.chunks(1_000)]) for file in files]
        return Stored(
            names=[f.filename for f in files], types=[f.content_type for f in files], sizes=sizes, user_errors=[]
        )


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(1, to + 1):
            yield number
            await asyncio.sleep(0)

    @strawberry.subscription
    async def forever(self, info: ToyInfo) -> AsyncGenerator[str, None]:
        while True:
            yield info.context.principal
            await asyncio.sleep(0.02)

    @strawberry.subscription
    async def silence(self) -> AsyncGenerator[int, None]:
        await asyncio.Event().wait()
        yield 0

    @strawberry.subscription
    async def closed(self) -> AsyncGenerator[int, None]:
        for scope in ("read",):
            raise forbidden(scope)
        yield 0

    @strawberry.subscription
    async def busy(self) -> AsyncGenerator[int, None]:
        yield 1
        raise PoolTimeout("no connection is free")

    @strawberry.subscription
    async def broken(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError("password=hunter2")


@dataclass
class Tokens:
    """Who may come in; a test takes tokens away."""

    good: dict[str, str] = field(default_factory=lambda: {"sesame": "ali"})
    # What looking a token up raises, and how often it was tried.
    fault: Exception | None = None
    faults: int = 0
    # Whose tokens were looked up together for the connections that are open.
    looked_up: list[Collection[str]] = field(default_factory=list[Collection[str]])

    async def authenticate(self, connection: HTTPConnection) -> str | None:
        if self.fault is not None:
            self.faults += 1
            raise self.fault
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        return self.good.get(token) if scheme.lower() == "bearer" else None

    async def still_valid(self, principals: Collection[str]) -> Collection[str]:
        self.looked_up.append(principals)
        if self.fault is not None:
            self.faults += 1
            raise self.fault
        return set(principals) & set(self.good.values())


@asynccontextmanager
async def make_context(_connection: HTTPConnection, principal: str) -> AsyncGenerator[Asking]:
    yield Asking(principal)


@cache
def make_schema() -> strawberry.Schema:
    return strawberry.Schema(Query, Mutation, Subscription, config=StrawberryConfig(scalar_map=SCALARS))


FAST = ConnectionLimits(recheck=0.05, keepalive=0.05, send_within=1.0, init_within=0.3)


# Nothing in it is anybody's.
ASKS_NOTHING: Scopes[str] = Scopes(lambda _parent, _name, _field: None, lambda _principal, _scope: False)


def make_endpoint(tokens: Tokens, **options: Any) -> GraphQLEndpoint[str, Asking]:
    values: dict[str, Any] = {"connection_limits": FAST, "page": graphiql.page, **options}
    return GraphQLEndpoint(make_schema(), tokens.authenticate, tokens.still_valid, make_context, ASKS_NOTHING, **values)


def make_app(tokens: Tokens, **options: Any) -> Starlette:
    return Starlette(routes=[*make_endpoint(tokens, **options).routes(), graphiql.assets()])
