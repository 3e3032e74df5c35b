"""Context of a request: the principal, the services of the server, and loaders that live as long as the request."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Self, TypeVar, cast

import strawberry
from strawberry.dataloader import DataLoader

from api.audit_trail import AuditTrail
from domain.kit.db import Database, Transaction
from domain.operations.files import FileLinks
from domain.segments.evaluation.preview import Previews
from domain.services import Services
from domain.stores.model import Principal
from plugins.store_channels import InstalledChannels

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Answers = Awaitable[Sequence[V | Exception]]
# Values by their keys, of a store: as the queries of the topics have them.
Fetch = Callable[[Transaction, int, list[K]], Awaitable[Mapping[K, V]]]


@dataclass(frozen=True, slots=True)
class ServerServices(Services):
    """Services of the domain, and those that only requests need."""

    channels: InstalledChannels
    # Of pages that may ask this server, and that it leads back to.
    allowed_origins: Sequence[str]
    previews: Previews
    audit: AuditTrail

    async def file_links(self) -> FileLinks:
        """Return the maker of links to files. Raise WrongSecretKey."""
        return FileLinks(self.public_url, (await self.keys.load(self.database)).signing)

    def of_store(self, store_id: int) -> Self:
        """Return the services with the database of one store, as a request has them."""
        database = self.database.of_store(store_id)
        if database is self.database:
            return self
        return replace(self, database=database, previews=replace(self.previews, database=database))


@dataclass(slots=True)
class Context:
    services: ServerServices
    principal: Principal
    # The client's, where it has one.
    address: str | None = None
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

    async def load(self, fetch: Fetch[K, V], key: K) -> V:
        """Return the key's value, by one statement for all keys wanted at a time. Raise KeyError without one."""
        value = await self.load_optional(fetch, key)
        if value is None:
            raise KeyError(key)
        return value

    async def load_optional(self, fetch: Fetch[K, V], key: K) -> V | None:
        """Return the key's value, or None, by one statement for all keys wanted at a time."""
        return await self._loader(fetch).load(key)

    def prime(self, fetch: Fetch[K, V], key: K, value: V) -> None:
        """Have the rest of the request see this value, rather than one that was loaded before."""
        self._loader(fetch).prime(key, value, force=True)

    def forget(self) -> None:
        """Have the rest of the request read anew what was loaded or primed before."""
        self._loaders.clear()

    def _loader(self, fetch: Fetch[K, V]) -> DataLoader[K, V | None]:
        if fetch not in self._loaders:

            async def load_all(keys: list[K]) -> Sequence[V | None]:
                async with self.database.read() as tx:
                    values = await fetch(tx, self.store_id, keys)
                return [values.get(key) for key in keys]

            self._loaders[fetch] = DataLoader(load_fn=load_all)
        return cast("DataLoader[K, V | None]", self._loaders[fetch])

    def batch(self, load: Callable[["Context", list[K]], Answers[V]]) -> DataLoader[K, V]:
        """Return a loader for what needs more than the database, which `load` opens itself."""
        if load not in self._loaders:
            self._loaders[load] = DataLoader(load_fn=partial(load, self))
        return cast("DataLoader[K, V]", self._loaders[load])


Info = strawberry.Info[Context, None]
