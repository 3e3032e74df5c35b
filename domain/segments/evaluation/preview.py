"""Preview filters, as quickly as the leaves cached for earlier ones allow."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from muster_sdk import AddressKind
from sqlalchemy.exc import SQLAlchemyError

from domain.extensions import Extensions
from domain.kit.db import Database, Transaction
from domain.segments.evaluation.cache.count import CountRequest, CountResult, count, prefetch
from domain.segments.evaluation.cache.fetch import InFlight
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.cache.transfer import TooManyIds
from domain.segments.evaluation.deadline import Deadline, TookTooLong, reading, shorten
from domain.segments.evaluation.reach import PreviewResult, survey
from domain.segments.evaluation.resolve import resolve, select_ids
from domain.segments.filters import Definition
from domain.segments.sql.scope import FilterScope
from domain.stores.model import Store

PREVIEW_SECONDS = 5.0
PREFETCH_SECONDS = 30.0
SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Previews:
    """Previews of definitions. What the cache has of the same data is not asked again; None: nothing is cached."""

    database: Database
    cache: LeafCache | None = None
    seconds: float = PREVIEW_SECONDS
    extensions: Extensions = field(kw_only=True)

    async def preview(
        self, store: Store, definition: Definition, channels: Mapping[str, AddressKind], now: datetime
    ) -> PreviewResult:
        """Return how many match now, a few of them, and whom the channels reach. Raise TookTooLong, or as `resolve`."""
        deadline = Deadline(self.seconds)
        request = _PreviewRequest(store, definition, channels, now, self.extensions)
        result: CountResult | None = None
        with suppress(TooManyIds):
            while self.cache is not None and result is None:
                try:
                    async with reading(self.database, deadline, snapshot=True) as tx:
                        resolved = await request.resolve(tx)
                        result = await count(tx, self.cache, resolved, partial(shorten, tx, deadline))
                except InFlight as in_flight:
                    # Without a connection: whoever fetches the leaves may need one.
                    futures = [asyncio.ensure_future(future) for future in in_flight.futures]
                    await asyncio.wait(futures, timeout=deadline.remaining())
        if self.cache is not None and result is not None:
            is_idle = self.cache.prefetch is None or self.cache.prefetch.done()
            if result.cold and self.cache.max_bytes and is_idle:
                self.cache.prefetch = asyncio.create_task(self._prefetch(self.cache, request))
            return result.preview
        async with reading(self.database, deadline) as tx:
            ids = await select_ids(tx, definition, request.scope(tx), self.extensions)
            return await survey(tx, store.id, ids, channels, SAMPLE)

    async def wait_for_prefetch(self) -> None:
        """Return once no leaves are being fetched for the filters to come."""
        if self.cache is not None and self.cache.prefetch is not None:
            await asyncio.wait([self.cache.prefetch])

    async def close(self) -> None:
        if self.cache is not None and self.cache.prefetch is not None:
            self.cache.prefetch.cancel()
            await self.wait_for_prefetch()

    async def _prefetch(self, cache: LeafCache, request: "_PreviewRequest") -> None:
        """Cache the leaves of a filter that will be edited and asked for again. What fails here is fetched then."""
        deadline = Deadline(PREFETCH_SECONDS)
        with suppress(TookTooLong, TooManyIds, InFlight, SQLAlchemyError):
            async with reading(self.database, deadline, snapshot=True) as tx:
                await prefetch(tx, cache, await request.resolve(tx), partial(shorten, tx, deadline))


@dataclass(frozen=True, slots=True)
class _PreviewRequest:
    store: Store
    definition: Definition
    channels: Mapping[str, AddressKind]
    now: datetime
    extensions: Extensions

    def scope(self, tx: Transaction) -> FilterScope:
        return FilterScope(self.store.id, self.store.timezone, self.now, tx.dialect)

    async def resolve(self, tx: Transaction) -> CountRequest:
        resolved = await resolve(tx, self.definition, self.scope(tx), self.extensions)
        return CountRequest(resolved, self.channels, SAMPLE)
