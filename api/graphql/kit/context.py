"""What resolvers reach: who asks, the services of the server, and loaders that live as long as the request."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

import strawberry
from strawberry.dataloader import DataLoader

from api.graphql.kit.errors import forbidden
from domain.kit.db import Database, Transaction
from domain.operations.files import FileLinks
from domain.segments.evaluation.preview import Previews
from domain.services import Services
from domain.stores.model import Principal, TokenScope
from plugins.store_channels import InstalledChannels

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Answers = Awaitable[Sequence[V | Exception]]


@dataclass(frozen=True, slots=True)
class ServerServices(Services):
    """The domain's services, and those that only requests need."""

    channels: InstalledChannels
    file_links: FileLinks
    previews: Previews


@dataclass(slots=True)
class Context:
    services: ServerServices
    principal: Principal
    _loaders: dict[Any, DataLoader[Any, Any]] = field(default_factory=dict[Any, DataLoader[Any, Any]])

    @property
    def store_id(self) -> int:
        return self.principal.store.id

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def now(self) -> datetime:
        return self.services.clock()

    def loader(self, load: Callable[[Transaction, int, list[K]], Answers[V]]) -> DataLoader[K, V]:
        """The request's loader of this kind: one statement for all keys that are asked for at a time."""
        found = self._loaders.get(load)
        if found is None:

            async def load_all(keys: list[K]) -> Sequence[V | Exception]:
                async with self.database.read() as tx:
                    return await load(tx, self.store_id, keys)

            found = self._loaders[load] = DataLoader(load_fn=load_all)
        return cast("DataLoader[K, V]", found)

    def batch(self, load: Callable[["Context", list[K]], Answers[V]]) -> DataLoader[K, V]:
        """The same for what needs more than the database, which it opens itself."""
        found = self._loaders.get(load)
        if found is None:
            found = self._loaders[load] = DataLoader(load_fn=partial(load, self))
        return cast("DataLoader[K, V]", found)


Info = strawberry.Info[Context, None]


def allow(info: Info, scope: TokenScope) -> Context:
    """The context, for a token that has the scope."""
    if not info.context.principal.may(scope):
        raise forbidden(scope.value)
    return info.context
