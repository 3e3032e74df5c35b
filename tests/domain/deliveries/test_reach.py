"""The reach of an audience adds up, and is what is frozen, on random worlds (a second meaning in plain Python)."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest
from muster_sdk import AddressKind
from sqlalchemy import insert, select

from domain.customers.model import ObjectionReason
from domain.customers.tables import contacts, objections
from domain.deliveries.audience import Audience
from domain.deliveries.freeze import freeze
from domain.deliveries.model import AcceptMarketing
from domain.deliveries.queries import reach
from domain.deliveries.tables import deliveries
from domain.kit import ids
from domain.kit.db import Database
from tests.domain.campaigns.stage import add_customer, add_list
from tests.factories import NOW

ADDRESSES = [None, *(f"c{number}@shop.example" for number in range(12))]
# In the order in which they count.
REASONS = {
    "BLACKLISTED": "BLACKLISTED",
    "BOUNCED": "INVALID_ADDRESS",
    "COMPLAINED": "COMPLAINED",
    "UNSUBSCRIBED": "UNSUBSCRIBED",
    "ERASED": "UNSUBSCRIBED",
}


@dataclass(frozen=True)
class Person:
    id: int
    email: str | None
    contact_address: str | None
    deleted: bool
    blacklisted: bool
    invalid: bool
    consent: str | None

    @property
    def address(self) -> str | None:
        return self.contact_address or self.email


@dataclass(frozen=True)
class Said:
    address: str
    channel: str
    reason: str
    lifted: bool


def a_person(chance: Random, number: int) -> Person:
    consent = chance.choice([None, "SUBSCRIBED", "SUBSCRIBED", "SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED"])
    other = chance.choice(ADDRESSES) if consent is not None and chance.random() < 0.2 else None
    deleted, blacklisted, invalid = (chance.random() < 0.1 for _ in range(3))
    invalid = invalid and consent is not None
    return Person(number, chance.choice(ADDRESSES), other, deleted, blacklisted, invalid, consent)


def said(chance: Random) -> set[Said]:
    made = {
        (chance.choice(ADDRESSES[1:]), chance.choice(["*", "recording", "line"]), chance.choice(list(ObjectionReason)))
        for _ in range(chance.randint(0, 5))
    }
    return {Said(address or "", channel, reason.value, chance.random() < 0.3) for address, channel, reason in made}


def own_reason(person: Person, objecting: set[Said], accepted_only: bool) -> str | None:
    rules = {
        "DELETED": person.deleted,
        "BLACKLISTED": person.blacklisted,
        "NO_ADDRESS": person.address is None,
        "INVALID_ADDRESS": person.invalid,
        "UNSUBSCRIBED": person.consent == "UNSUBSCRIBED",
        "NOT_SUBSCRIBED": accepted_only and person.consent != "SUBSCRIBED",
    }
    first = next((reason for reason, holds in rules.items() if holds), None)
    in_force = {
        each.reason
        for each in objecting
        if each.address == person.address and each.channel in {"*", "recording"} and not each.lifted
    }
    return first or next((exclusion for reason, exclusion in REASONS.items() if reason in in_force), None)


@pytest.mark.parametrize("seed", range(6))
async def test_reach_adds_up_and_is_what_is_frozen(database: Database, store_id: int, seed: int) -> None:
    chance = Random(seed)
    people = [a_person(chance, number) for number in range(1, chance.randint(2, 40))]
    objecting, accept = said(chance), chance.choice(list(AcceptMarketing))
    excluded: Counter[str | None] = Counter()
    recipients: dict[str, int] = {}
    for person in people:
        reason = own_reason(person, objecting, accept is AcceptMarketing.ACCEPTED_ONLY)
        if reason is None and person.address in recipients:
            reason = "DUPLICATE_ADDRESS"
        if reason is None:
            assert person.address is not None
            recipients[person.address] = person.id
        else:
            excluded[reason] += 1
    async with database.write() as tx:
        for person in people:
            deleted_at = NOW if person.deleted else None
            own = {"email": person.email, "blacklisted": person.blacklisted, "deleted_at": deleted_at}
            await add_customer(tx, store_id, person.id, consent=person.consent, invalid=person.invalid, **own)
            if person.contact_address is not None:
                is_contact = contacts.c.customer_id == person.id
                values = {"address": person.contact_address}
                await tx.execute(contacts.update().where(contacts.c.store_id == store_id, is_contact).values(values))
        for each in objecting:
            row = {"address": each.address, "channel": each.channel, "reason": each.reason, "customer_id": 1}
            lifted_at = NOW + timedelta(1) if each.lifted else None
            await tx.execute(insert(objections).values(store_id=store_id, since=NOW, lifted_at=lifted_at, **row))
        list_id = await add_list(tx, store_id, [person.id for person in people])
        audience = Audience(store_id, list_id, "recording", AddressKind.EMAIL, accept)
        forecast = await reach(tx, audience)
        mailing_id = ids.new()
        assert await freeze(tx, mailing_id, audience, NOW) == forecast.recipients
        frozen = await tx.execute(
            select(deliveries.c.address, deliveries.c.customer_id).where(deliveries.c.store_id == store_id)
        )
        assert {row.address: row.customer_id for row in frozen} == recipients
    deleted = excluded.pop("DELETED", 0)
    assert forecast.audience == forecast.recipients + sum(forecast.excluded.values())
    assert (forecast.audience, forecast.deleted) == (len(people) - deleted, deleted)
    assert {reason.value: count for reason, count in forecast.excluded.items()} == dict(excluded)
