"""Customers of an import whose addresses object: noted as rows are written, and saved behind all of them."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.consents import suppressions
from domain.customers import objections
from domain.imports.format import ImportKey
from domain.kit.db import Transaction


@dataclass(slots=True)
class Objectors:
    """`returning`: customers who are known to have said no before; `objecting`: those who say it now.

    An intent to send locks its customers' rows and then waits for objections: whoever adds these has locked all rows
    that it needs, or the two wait for each other.
    """

    returning: list[int] = field(default_factory=list[int])
    objecting: list[int] = field(default_factory=list[int])

    async def save(self, tx: Transaction, key: ImportKey, now: datetime) -> None:
        await suppressions.heed(tx, key.suppression_key, key.store_id, sorted(self.returning), now)
        ids = sorted(self.objecting)
        for start in range(0, len(ids), objections.RECORDS_AT_ONCE):
            some = ids[start : start + objections.RECORDS_AT_ONCE]
            await objections.add_of_records(tx, key.store_id, some, now)
