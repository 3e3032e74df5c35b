"""A contact's address is checked as the customer's own is, and kept only where it differs from that."""

import pytest
from muster_sdk import AddressKind
from sqlalchemy import select, update

from domain.addresses import KNOWN_KINDS
from domain.customers.model import Consent, ContactChange, CustomerChange
from domain.customers.tables import contacts
from domain.customers.upsert import upsert, upsert_many
from domain.kit.db import Database
from domain.kit.errors import DomainErrors
from tests.factories import NOW

KINDS = {**KNOWN_KINDS, "newsletter": AddressKind.EMAIL}
Stored = dict[str, tuple[str | None, bool]]


async def put(
    database: Database, store_id: int, *contact_changes: ContactChange, email: str, phone: str | None = None
) -> Stored:
    """Save the customer, and return address and failure of each channel's contact."""
    change = CustomerChange(external_id="a", email=email, phone=phone, country="TW", contacts=contact_changes)
    async with database.write() as tx:
        await upsert(tx, store_id, change, NOW, kinds=KINDS)
        rows = await tx.execute(select(contacts.c.channel, contacts.c.address, contacts.c.invalid))
        return {channel: (address, invalid) for channel, address, invalid in rows}


async def fail(database: Database, channel: str) -> None:
    async with database.write() as tx:
        await tx.execute(update(contacts).where(contacts.c.channel == channel).values(invalid=True))


async def test_addresses_of_contacts_take_the_form_of_their_kind(database: Database, store_id: int) -> None:
    stored = await put(
        database,
        store_id,
        ContactChange("email", "Ann@XN--STRAE-OQA.example"),
        ContactChange("sms", "0912 345 678"),
        ContactChange("line", "U4AF ann@Home"),
        ContactChange("newsletter", "  "),
        email="ann@shop.example",
    )
    assert stored == {
        "email": ("ann@straße.example", False),
        "sms": ("+886912345678", False),
        "line": ("U4AF ann@Home", False),
        "newsletter": (None, False),
    }


@pytest.mark.parametrize(
    ("channel", "address"), [("email", "ann"), ("newsletter", "ann@\u2474.example"), ("sms", "12")]
)
async def test_what_is_no_address_of_the_channels_kind_is_refused(
    database: Database, store_id: int, channel: str, address: str
) -> None:
    change = CustomerChange(external_id="a", contacts=[ContactChange(channel, address)])
    with pytest.raises(DomainErrors) as raised:
        async with database.write() as tx:
            await upsert_many(tx, store_id, [change], NOW, kinds=KINDS)
    assert [error.field for error in raised.value.errors] == [("input", 0, "contacts", 0, "address")]


async def test_a_contact_keeps_no_address_that_is_the_customers_own(database: Database, store_id: int) -> None:
    repeated = ContactChange("email", "ANN@shop.example", Consent.SUBSCRIBED), ContactChange("sms", "0912345678")
    own = {"email": "ann@shop.example", "phone": "+886912345678"}
    assert await put(database, store_id, *repeated, **own) == {"email": (None, False), "sms": (None, False)}
    await fail(database, "email")
    # A shop that always sends both does not say that the address works again.
    assert (await put(database, store_id, *repeated, **own))["email"] == (None, True)
    assert (await put(database, store_id, ContactChange("email", "b@work.example"), **own))["email"] == (
        "b@work.example",
        False,
    )
    assert (await put(database, store_id, *repeated, **own))["email"] == (None, False)


async def test_a_new_email_moves_the_mail(database: Database, store_id: int) -> None:
    await put(database, store_id, ContactChange("email", "b@work.example"), email="old@shop.example")
    async with database.write() as tx:
        # As a release before stored it.
        repeating = {"channel": "newsletter", "address": "old@shop.example", "consent": "SUBSCRIBED", "invalid": True}
        await tx.execute(contacts.insert().values(store_id=store_id, customer_id=1, **repeating))
    assert await put(database, store_id, email="new@shop.example") == {
        "email": ("b@work.example", False),
        "newsletter": (None, False),
    }


async def test_an_email_that_a_contact_has_already_is_trusted_no_more_than_before(
    database: Database, store_id: int
) -> None:
    await put(database, store_id, ContactChange("email", "b@work.example"), email="old@shop.example")
    await fail(database, "email")
    assert await put(database, store_id, email="b@work.example") == {"email": (None, True)}
