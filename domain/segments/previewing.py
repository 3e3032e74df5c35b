"""Previews, as quick as what was asked before allows."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from muster_sdk import AddressKind

from domain.db import Database
from domain.segments import finding
from domain.segments.bitmaps.answering import Underway
from domain.segments.bitmaps.cache import Leaves
from domain.segments.bitmaps.counting import Filter, count
from domain.segments.bitmaps.transfer import TooLarge
from domain.segments.compile import expanded
from domain.segments.conditions.scope import Scope
from domain.segments.deadline import Deadline, reading, shorten
from domain.segments.filters import Definition
from domain.segments.reach import Found
from domain.stores.model import Store


@dataclass(frozen=True, slots=True)
class Previews:
    """Whom definitions find. What `leaves` remember of the same data is not asked again; None: nothing is kept."""

    database: Database
    leaves: Leaves | None = None
    seconds: float = finding.PREVIEW_SECONDS

    async def of(
        self, shop: Store, definition: Definition, channels: Mapping[str, AddressKind], now: datetime
    ) -> Found:
        """How many the definition finds now, a few of them, and whom the channels reach: at most so long."""
        deadline = Deadline(self.seconds)
        if self.leaves is not None:
            with suppress(TooLarge):
                return await self._by_leaves(self.leaves, deadline, shop, definition, channels, now)
        return await finding.preview(self.database, shop, definition, channels, now, seconds=deadline)

    async def _by_leaves(
        self,
        leaves: Leaves,
        deadline: Deadline,
        shop: Store,
        definition: Definition,
        channels: Mapping[str, AddressKind],
        now: datetime,
    ) -> Found:
        while True:
            try:
                async with reading(self.database, deadline, snapshot=True) as tx:
                    groups, catalogue = finding.asked_of(definition, await finding.look_up(tx, shop.id, [definition]))
                    scope = Scope(shop.id, shop.timezone, now, tx.dialect)
                    wanted = Filter(expanded(definition, groups), catalogue, scope, channels)
                    return await count(tx, leaves, wanted, finding.SAMPLE, partial(shorten, tx, deadline))
            except Underway as others:
                # Without a connection: whoever is at it may need one.
                await asyncio.wait([asyncio.ensure_future(each) for each in others.flights], timeout=deadline.left())
