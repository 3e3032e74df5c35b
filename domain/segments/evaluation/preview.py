"""Previews, as quick as what was asked before allows."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from muster_sdk import AddressKind
from sqlalchemy.exc import SQLAlchemyError

from domain.kit.db import Database, Transaction
from domain.segments.compiler.normal_form import expanded
from domain.segments.evaluation import resolve
from domain.segments.evaluation.cache.count import Filter, count, warm
from domain.segments.evaluation.cache.fetch import InFlight
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.cache.transfer import TooManyIds
from domain.segments.evaluation.deadline import Deadline, TookTooLong, reading, shorten
from domain.segments.evaluation.reach import PreviewResult
from domain.segments.filters import Definition
from domain.segments.sql.scope import FilterScope
from domain.stores.model import Store

_WARMING_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Previews:
    """Whom definitions find. What `leaves` remember of the same data is not asked again; None: nothing is kept."""

    database: Database
    leaves: LeafCache | None = None
    seconds: float = resolve.PREVIEW_SECONDS

    async def of(
        self, shop: Store, definition: Definition, channels: Mapping[str, AddressKind], now: datetime
    ) -> PreviewResult:
        """How many the definition finds now, a few of them, and whom the channels reach: at most so long."""
        deadline = Deadline(self.seconds)
        if self.leaves is not None:
            with suppress(TooManyIds):
                return await self._by_leaves(self.leaves, deadline, _Asked(shop, definition, channels), now)
        return await resolve.preview(self.database, shop, definition, channels, now, seconds=deadline)

    async def settled(self) -> None:
        """Once nothing is done any more for the filters to come."""
        if self.leaves is not None and self.leaves.warming is not None:
            await asyncio.wait([self.leaves.warming])

    async def close(self) -> None:
        if self.leaves is not None and self.leaves.warming is not None:
            self.leaves.warming.cancel()
            await self.settled()

    async def _by_leaves(self, leaves: LeafCache, deadline: Deadline, asked: "_Asked", now: datetime) -> PreviewResult:
        while True:
            try:
                async with reading(self.database, deadline, snapshot=True) as tx:
                    wanted = await asked.filter(tx, now)
                    counted = await count(tx, leaves, wanted, resolve.SAMPLE, partial(shorten, tx, deadline))
                break
            except InFlight as others:
                # Without a connection: whoever is at it may need one.
                await asyncio.wait([asyncio.ensure_future(each) for each in others.flights], timeout=deadline.left())
        if counted.cold and leaves.most_bytes and (leaves.warming is None or leaves.warming.done()):
            leaves.warming = asyncio.create_task(self._warm(leaves, asked, now))
        return counted.found

    async def _warm(self, leaves: LeafCache, asked: "_Asked", now: datetime) -> None:
        """Whoever is writing a filter asks for it again with a leaf changed. What fails here is asked for then."""
        deadline = Deadline(_WARMING_SECONDS)
        with suppress(TookTooLong, TooManyIds, InFlight, SQLAlchemyError):
            async with reading(self.database, deadline, snapshot=True) as tx:
                await warm(tx, leaves, await asked.filter(tx, now), partial(shorten, tx, deadline))


@dataclass(frozen=True, slots=True)
class _Asked:
    shop: Store
    definition: Definition
    channels: Mapping[str, AddressKind]

    async def filter(self, tx: Transaction, now: datetime) -> Filter:
        known = await resolve.look_up(tx, self.shop.id, [self.definition])
        groups, catalogue = resolve.asked_of(self.definition, known)
        scope = FilterScope(self.shop.id, self.shop.timezone, now, tx.dialect)
        return Filter(expanded(self.definition, groups), catalogue, scope, self.channels)
