import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain.customers import actions, queries
from domain.customers.model import Consent, ContactChange, CustomerChange, PropertyChange
from domain.customers.tables import customer_facts, customers
from domain.customers.upsert import upsert, upsert_many
from domain.kit.db import Database
from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.kit.values import ValueType
from domain.privacy import erasure
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY

LATER = NOW + timedelta(days=1)


async def test_what_is_left_out_stays_and_null_clears(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        created, is_new = await upsert(tx, store_id, CustomerChange(external_id="a", name="Ann", city="Taipei"), NOW)
        updated, is_new_again = await upsert(tx, store_id, CustomerChange(external_id="a", city=None), LATER)
        assert await tx.scalar(select(func.count()).select_from(customer_facts)) == 1
    assert (is_new, is_new_again, created.id) == (True, False, updated.id)
    assert (updated.name, updated.city, updated.created_at, updated.updated_at) == ("Ann", None, NOW, LATER)


async def test_a_customer_is_found_by_external_id_else_email_else_phone(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        first, _ = await upsert(tx, store_id, CustomerChange(email="a@shop.example", phone="+886912345678"), NOW)
        by_phone, _ = await upsert(tx, store_id, CustomerChange(phone="+886912345678", name="Ann"), NOW)
        adopted, _ = await upsert(tx, store_id, CustomerChange(external_id="a", email="A@shop.example"), NOW)
        other, new = await upsert(tx, store_id, CustomerChange(external_id="b", email="a@shop.example"), NOW)
    assert first.id == by_phone.id == adopted.id
    assert adopted.external_id == "a"
    assert new
    assert other.id != first.id


async def test_one_customer_twice_in_a_batch_is_changed_twice(database: Database, store_id: int) -> None:
    changes = [
        CustomerChange(external_id="a", email="a@shop.example", name="Ann"),
        CustomerChange(email="a@shop.example", name="Anna"),
        CustomerChange(external_id="b", phone="+886912345678"),
        CustomerChange(external_id="c", phone="+886912345678"),
        CustomerChange(external_id="a", tags=["VIP"]),
    ]
    async with database.write() as tx:
        done = await upsert_many(tx, store_id, changes, NOW)
        customer = await queries.by_external_id(tx, store_id, "a")
        assert await tx.scalar(select(func.count()).select_from(customers)) == 3
        assert customer is not None
        assert await queries.tags_of(tx, store_id, [customer.id]) == {customer.id: ["VIP"]}
    assert customer.name == "Anna"
    assert (len(done.created), done.updated, done.ids[0]) == (3, 0, done.ids[4])


async def test_every_error_of_every_customer_is_reported_and_none_is_added(database: Database, store_id: int) -> None:
    changes = [
        CustomerChange(external_id="a"),
        CustomerChange(external_id="b", email="b", country="Taiwan", tags=["x" * 101]),
        CustomerChange(name="Nobody"),
        CustomerChange(external_id="c", properties=[PropertyChange("shoe", 40)]),
    ]
    with pytest.raises(DomainErrors) as raised:
        async with database.write() as tx:
            await upsert_many(tx, store_id, changes, NOW)
    assert [error.field for error in raised.value.errors] == [
        ("input", 1, "country"),
        ("input", 1, "email"),
        ("input", 1, "tags"),
        ("input", 2),
        ("input", 3, "properties", 0, "key"),
    ]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(customers)) == 0


async def test_properties_are_stored_by_type_and_deleted_by_null(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await actions.define(tx, store_id, "shoe_size", "Shoe size", ValueType.NUMBER, NOW)
        await actions.define(tx, store_id, "joined", "Joined", ValueType.DATE, NOW)
        changes = [PropertyChange("shoe_size", 40.5), PropertyChange("joined", "2026-01-02")]
        customer, _ = await upsert(tx, store_id, CustomerChange(external_id="a", properties=changes), NOW)
        assert [p.value for p in (await queries.properties_of(tx, store_id, [customer.id]))[customer.id]][1] == 40.5
        removals = [PropertyChange("joined", None)]
        await upsert(tx, store_id, CustomerChange(external_id="a", properties=removals), NOW)
        assert [p.key for p in (await queries.properties_of(tx, store_id, [customer.id]))[customer.id]] == ["shoe_size"]
        await actions.undefine(tx, store_id, "shoe_size")
        assert await queries.properties_of(tx, store_id, [customer.id]) == {customer.id: []}
        with pytest.raises(DomainError) as raised:
            await actions.define(tx, store_id, "joined", "Again", ValueType.DATE, NOW)
    assert raised.value.code is ErrorCode.TAKEN


async def test_of_several_who_define_a_key_at_a_time_one_does(database: Database, store_id: int) -> None:
    async def define() -> ErrorCode | None:
        try:
            async with database.write() as tx:
                await actions.define(tx, store_id, "joined", "Joined", ValueType.DATE, NOW)
        except DomainError as error:
            return error.code
        return None

    codes = await asyncio.gather(*(define() for _ in range(5)))
    assert sorted(codes, key=str) == [None, *[ErrorCode.TAKEN] * 4]


async def test_a_consent_bears_the_moment_of_its_change(database: Database, store_id: int) -> None:
    subscription = ContactChange("email", consent=Consent.SUBSCRIBED)
    async with database.write() as tx:
        customer, _ = await upsert(tx, store_id, CustomerChange(email="a@shop.example", contacts=[subscription]), NOW)
        await actions.consent_update(tx, store_id, customer.id, subscription, LATER, source="form")
        (contact,) = (await queries.contacts_of(tx, store_id, [customer.id]))[customer.id]
        assert (contact.address, contact.consent, contact.consent_at) == (None, Consent.SUBSCRIBED, NOW)
        unsubscription = ContactChange("email", consent=Consent.UNSUBSCRIBED)
        await actions.consent_update(tx, store_id, customer.id, unsubscription, LATER, source="form")
        (contact,) = (await queries.contacts_of(tx, store_id, [customer.id]))[customer.id]
    assert (contact.consent, contact.consent_at) == (Consent.UNSUBSCRIBED, LATER)


async def test_erasing_deletes_who_it_was(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        change = CustomerChange(external_id="a", name="Ann", email="a@shop.example", tags=["VIP"])
        customer, _ = await upsert(tx, store_id, change, NOW)
        await erasure.erase(tx, SUPPRESSION_KEY, store_id, customer.id, LATER)
        erased = await queries.by_id(tx, store_id, customer.id)
        assert await queries.tags_of(tx, store_id, [customer.id]) == {customer.id: []}
        assert (await tx.execute(queries.listing(store_id))).all() == []
    assert erased is not None
    assert (erased.external_id, erased.name, erased.email, erased.deleted_at) == (None, None, None, LATER)
