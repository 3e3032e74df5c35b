"""Customers of an import whose addresses object: noted as rows are written, and saved behind all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from domain.consents import suppressions
from domain.customers import objections
from domain.customers.model import Consent, ObjectionReason
from domain.customers.objections import Objection
from domain.imports.format import ImportKey
from domain.kit.db import Transaction


@dataclass(slots=True)
class Objectors:
    """`returning`: customers who are known to have said no before; `objecting`: those who say it now.

    `added`: what addresses of new customers object to, whose rows are in hand.

    An intent to send locks its customers' rows and then waits for objections: whoever adds these has locked all rows
    that it needs, or the two wait for each other.
    """

    returning: list[int] = field(default_factory=list[int])
    objecting: list[int] = field(default_factory=list[int])
    added: list[Objection] = field(default_factory=list[Objection])

    def add_new(self, customer_id: int, own: Sequence[str | None], contacts: str, now: datetime) -> None:
        """Note what a new customer's addresses object to: their `own`, and those of contacts as rows stage them."""
        for contact in orjson.loads(contacts):
            if contact["consent"] == Consent.UNSUBSCRIBED:
                address = contact.get("address")
                self.added += [
                    Objection(each, contact["channel"], ObjectionReason.UNSUBSCRIBED, customer_id, now)
                    for each in ([address] if address else own)
                    if each is not None
                ]

    async def save(self, tx: Transaction, key: ImportKey, now: datetime) -> None:
        await suppressions.heed(tx, key.suppression_key, key.store_id, sorted(self.returning), now)
        ids = sorted(self.objecting)
        for start in range(0, len(ids), objections.RECORDS_AT_ONCE):
            some = ids[start : start + objections.RECORDS_AT_ONCE]
            await objections.add_of_records(tx, key.store_id, some, now)
        await objections.add(tx, key.store_id, self.added)
