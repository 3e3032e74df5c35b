"""Files and the API hold addresses to one rule, and bring them into one form."""

import pytest
from sqlalchemy import select, update

from domain.customers.model import Consent, ContactChange, CustomerChange
from domain.customers.tables import contacts, customers
from domain.customers.upsert import upsert
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.kit.errors import DomainErrors
from tests.domain.imports.files import bring_in, problems_of
from tests.factories import NOW

ADDRESSES = {
    "info@straße.example": "info@straße.example",
    "info@xn--fa-hia.example": "info@faß.example",
    "info@νίκος.example": "info@νίκος.example",
    "abc..def@carrier.example": "abc..def@carrier.example",
    "abc.@carrier.example": "abc.@carrier.example",
    ".abc@carrier.example": ".abc@carrier.example",
    "O'Brien@shop.test": "o'brien@shop.test",
    "ann@shop.test": "ann@shop.test",
    f"{'a' * 65}@mail.example": None,
    "0@\u00af": None,
}


async def import_text(database: Database, store_id: int, text: str) -> list[tuple[int | None, str]]:
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, text.encode())
    return [(problem.row, problem.message) for problem in await problems_of(database, done)]


async def stored_contacts(database: Database) -> list[tuple[str | None, str, str | None, bool]]:
    c = contacts.c
    of_customers = customers.join(contacts, c.customer_id == customers.c.id)
    async with database.read() as tx:
        rows = await tx.execute(
            select(customers.c.external_id, c.channel, c.address, c.invalid)
            .select_from(of_customers)
            .order_by(customers.c.external_id, c.channel)
        )
        return [(row.external_id, row.channel, row.address, row.invalid) for row in rows]


@pytest.mark.parametrize("column", ["email", "contact.email"])
async def test_files_and_the_api_take_and_refuse_the_same_addresses(
    database: Database, store_id: int, column: str
) -> None:
    rows = [f"c{number},{address}\n" for number, address in enumerate(ADDRESSES)]
    problems = await import_text(database, store_id, f"external_id,{column}\n{''.join(rows)}")
    refused = [number for number, form in enumerate(ADDRESSES.values(), 2) if form is None]
    assert [row for row, _ in problems] == refused
    assert all(f"{column}: " in message and "is no e-mail address" in message for _, message in problems)
    async with database.read() as tx:
        read = customers.c.email if column == "email" else contacts.c.address
        # An address that is refused costs its row no more than itself.
        stored = set((await tx.execute(select(read).where(read.is_not(None)))).scalars())
    assert stored == set(ADDRESSES.values()) - {None}
    for address, form in ADDRESSES.items():
        named = CustomerChange(external_id="api", email=address)
        if column != "email":
            named = CustomerChange(external_id="api", contacts=[ContactChange("email", address)])
        if form is None:
            with pytest.raises(DomainErrors):
                async with database.write() as tx:
                    await upsert(tx, store_id, named, NOW)
        else:
            async with database.write() as tx:
                customer, _ = await upsert(tx, store_id, named, NOW)
                of_customer = customers.c.id == customer.id
                joined = customers.outerjoin(contacts, contacts.c.customer_id == customers.c.id)
                assert await tx.scalar(select(read).select_from(joined).where(of_customer)) == form


async def test_contacts_of_a_file_keep_no_address_that_is_the_customers_own(database: Database, store_id: int) -> None:
    text = (
        "external_id,email,phone,country,contact.email,contact.sms,contact.line\n"
        "a,a@shop.example,0912345678,TW,A@Shop.example,0912 345 678,a@shop.example\n"
        "b,b@shop.example,,TW,b@work.example,0912345679,\n"
    )
    expected = [
        ("a", "email", None, False),
        ("a", "line", "a@shop.example", False),
        ("a", "sms", None, False),
        ("b", "email", "b@work.example", False),
        ("b", "sms", "+886912345679", False),
    ]
    for _ in range(2):
        assert await import_text(database, store_id, text) == []
        assert await stored_contacts(database) == expected
    assert await import_text(database, store_id, "external_id,contact.email\nb,b@shop.example\n") == []
    assert (await stored_contacts(database))[3] == ("b", "email", None, False)


async def test_a_new_email_of_a_file_moves_the_mail(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        work = ContactChange("email", "a@work.example", Consent.SUBSCRIBED)
        await upsert(tx, store_id, CustomerChange(external_id="a", email="a@shop.example", contacts=[work]), NOW)
        own = ContactChange("email", consent=Consent.SUBSCRIBED)
        await upsert(tx, store_id, CustomerChange(external_id="b", email="b@shop.example", contacts=[own]), NOW)
        await tx.execute(update(contacts).values(invalid=True))
    repeated = "external_id,contact.email,consent.email\na,a@work.example,SUBSCRIBED\nb,b@shop.example,SUBSCRIBED\n"
    assert await import_text(database, store_id, repeated) == []
    assert await stored_contacts(database) == [
        ("a", "email", "a@work.example", True),
        ("b", "email", None, True),
    ]
    moved = "external_id,email\na,a@work.example\nb,new@shop.example\n"
    assert await import_text(database, store_id, moved) == []
    assert await stored_contacts(database) == [("a", "email", None, True), ("b", "email", None, False)]


async def test_a_customer_is_found_by_another_spelling_of_the_address(database: Database, store_id: int) -> None:
    assert await import_text(database, store_id, "email,name\ninfo@straße.example,Ann\n") == []
    assert await import_text(database, store_id, "email,city\nINFO@xn--strae-oqa.example,Taipei\n") == []
    async with database.read() as tx:
        rows = (await tx.execute(select(customers.c.email, customers.c.name, customers.c.city))).all()
    assert [tuple(row) for row in rows] == [("info@straße.example", "Ann", "Taipei")]
