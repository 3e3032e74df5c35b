# pyright: reportPrivateUsage=false
"""A no belongs to an address, in whichever spelling it comes again."""

import pytest

from domain.consents import suppressions
from domain.customers.model import Consent, ContactChange, CustomerChange
from domain.customers.queries import contacts_of
from domain.customers.upsert import upsert
from domain.kit.db import Database
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY

SPELLINGS = ["info@straße.example", "Info@STRAẞE.example", "info@xn--strae-oqa.example", "info@XN--STRAE-OQA.example"]


# As they were hashed when the domain was stored as it was written.
@pytest.mark.parametrize("hashed_as", ["info@straße.example", "info@xn--strae-oqa.example"])
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_another_spelling_of_an_address_comes_in_unsubscribed(
    database: Database, store_id: int, hashed_as: str, spelling: str
) -> None:
    kept = suppressions._hash(SUPPRESSION_KEY, store_id, "address", hashed_as)
    change = CustomerChange(email=spelling, contacts=[ContactChange("email", consent=Consent.SUBSCRIBED)])
    async with database.write() as tx:
        await suppressions.record(tx, store_id, [kept], NOW)
        customer, _ = await upsert(tx, store_id, change, NOW)
        await suppressions.heed(tx, SUPPRESSION_KEY, store_id, [customer.id], NOW)
        (contact,) = (await contacts_of(tx, store_id, [customer.id]))[customer.id]
        assert contact.consent is Consent.UNSUBSCRIBED
        await suppressions.lift(tx, SUPPRESSION_KEY, store_id, customer.id, "email", NOW)
        assert not await suppressions.is_needed(tx, store_id)


def test_all_spellings_have_one_hash() -> None:
    assert len({suppressions.address_hash(SUPPRESSION_KEY, 1, spelling) for spelling in SPELLINGS}) == 1
