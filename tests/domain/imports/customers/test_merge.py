from datetime import UTC, datetime

from sqlalchemy import func, select, update

from domain.customers import queries
from domain.customers.model import AccountStatus, Consent, Customer, CustomerChange, Property
from domain.customers.tables import contacts, customer_addresses, customer_facts, customers
from domain.customers.upsert import upsert
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.kit.values import ValueType
from domain.operations.model import Problem, ProblemOutcome
from tests.domain.imports.files import bring_in, problems_of
from tests.factories import NOW


async def stored_customer(database: Database, store_id: int, external_id: str) -> Customer:
    async with database.read() as tx:
        customer = await queries.by_external_id(tx, store_id, external_id)
    assert customer is not None
    return customer


async def import_customers(database: Database, store_id: int, text: str, *, dry_run: bool = False) -> list[Problem]:
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, text.encode(), dry_run=dry_run)
    assert done.status == "DONE"
    return await problems_of(database, done)


async def test_a_bad_row_is_reported_and_the_rest_come_in(database: Database, store_id: int) -> None:
    text = (
        "external_id,email,country,phone,birthday\n"
        "a,a@shop.example,TW,0912345678,1990-02-03\n"
        "b,b,Atlantis,,\n"
        "c,c@shop.example\n"
        ",,,,\n"
        "e,E@SHOP.EXAMPLE,tw,12,\n"
        'f,,,"",1990-02-03\n'
    )
    problems = await import_customers(database, store_id, text)
    assert [(problem.row, problem.column, problem.value, problem.outcome) for problem in problems] == [
        (3, "email", "b", "CELL_LEFT_OUT"),
        (3, "country", "Atlantis", "CELL_LEFT_OUT"),
        (6, "phone", "12", "CELL_LEFT_OUT"),
    ]
    assert problems[0].message.startswith("email: 'b' is no e-mail address")
    assert problems[2].message.startswith("phone: '12' is no phone number in TW")
    assert (await stored_customer(database, store_id, "a")).phone == "+886912345678"
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(customers)) == 5
        assert await tx.scalar(select(func.count()).select_from(customer_facts)) == 5


async def test_a_later_row_wins_and_an_empty_cell_keeps(database: Database, store_id: int) -> None:
    first = "external_id,name,city,tags,member\na,Ann,Taipei,VIP;new,true\na,Anna,,,\nb,Bob,,x,\n"
    assert await import_customers(database, store_id, first) == []
    assert await import_customers(database, store_id, "external_id,city,tags\na,Tainan,new; old ;new\nb,,\n") == []
    ann, bob = await stored_customer(database, store_id, "a"), await stored_customer(database, store_id, "b")
    assert (ann.name, ann.city, ann.member, ann.source) == ("Anna", "Tainan", True, "import")
    async with database.read() as tx:
        assert await queries.tags_of(tx, store_id, [ann.id, bob.id]) == {ann.id: ["new", "old"], bob.id: ["x"]}
        assert await tx.scalar(select(func.count()).select_from(customers)) == 2


async def test_without_an_external_id_the_email_finds_the_customer(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        customer, _ = await upsert(tx, store_id, CustomerChange(external_id="a", email="a@shop.example"), NOW)
    text = "external_id,email,name\n,A@shop.example,Ann\n,b@shop.example,Bob\n,b@shop.example,Rob\n"
    assert await import_customers(database, store_id, text) == []
    assert await import_customers(database, store_id, "email,city\nb@shop.example,Taipei\n") == []
    async with database.read() as tx:
        rows = await tx.execute(select(customers.c.id, customers.c.name, customers.c.city).order_by(customers.c.id))
        ann, bob = rows.all()
    assert tuple(ann) == (customer.id, "Ann", None)
    assert tuple(bob)[1:] == ("Rob", "Taipei")


async def test_a_row_without_an_external_id_finds_a_customer_that_its_own_file_brings(
    database: Database, store_id: int
) -> None:
    text = "external_id,email,name\n,a@shop.example,Ann\na,a@shop.example,Anna\nb,b@shop.example,Bob\n"
    assert await import_customers(database, store_id, text) == []
    async with database.read() as tx:
        rows = await tx.execute(select(customers.c.external_id, customers.c.name).order_by(customers.c.external_id))
        assert [tuple(row) for row in rows] == [("a", "Anna"), ("b", "Bob")]


async def test_a_property_gets_the_type_that_all_its_values_have(database: Database, store_id: int) -> None:
    text = (
        "external_id,property.size,property.vip,property.born,property.seen,property.mixed,property.none\n"
        "a,40,true,1990-02-03,2026-01-02T03:04:05Z,1,\n"
        "b,40.5,FALSE,1991-02-03,2026-01-02T03:04:05+08:00,x,\n"
    )
    assert await import_customers(database, store_id, text) == []
    async with database.read() as tx:
        types = {definition.key: definition.type for definition in await queries.definitions(tx, store_id)}
        ann = await queries.by_external_id(tx, store_id, "a")
        assert ann is not None
        properties = (await queries.properties_of(tx, store_id, [ann.id]))[ann.id]
        by_key = {item.key: item.value for item in properties}
    assert types == {
        "size": ValueType.NUMBER,
        "vip": ValueType.BOOLEAN,
        "born": ValueType.DATE,
        "seen": ValueType.DATETIME,
        "mixed": ValueType.STRING,
        "none": ValueType.STRING,
    }
    assert (by_key["size"], by_key["vip"], by_key["mixed"]) == (40.0, True, "1")
    assert [p.row for p in await import_customers(database, store_id, "external_id,property.size\na,big\nb,41\n")] == [
        2
    ]
    async with database.read() as tx:
        bob = await queries.by_external_id(tx, store_id, "b")
        assert bob is not None
        assert Property("size", 41.0) in (await queries.properties_of(tx, store_id, [bob.id]))[bob.id]


async def test_an_import_never_undoes_an_unsubscription(database: Database, store_id: int) -> None:
    """Every pair of before and after, as the subscription rules have them."""
    states = ["SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED"]
    pairs = [(stored, imported) for stored in states for imported in states]
    before = "".join(f"{stored}-{imported},{stored}\n" for stored, imported in pairs)
    after = "".join(f"{stored}-{imported},{imported}\n" for stored, imported in pairs)
    header = "external_id,consent.email\n"
    assert await import_customers(database, store_id, header + before) == []
    async with database.write() as tx:
        await tx.execute(update(contacts).values(consent_source="before"))
    assert await import_customers(database, store_id, header + after) == []
    async with database.read() as tx:
        rows = await tx.execute(
            select(customers.c.external_id, contacts.c.consent, contacts.c.consent_source).join(
                contacts, contacts.c.customer_id == customers.c.id
            )
        )
        consents = {row[0]: (row[1], row[2]) for row in rows}
    rank = {"NOT_SUBSCRIBED": 0, "SUBSCRIBED": 1, "UNSUBSCRIBED": 2}
    for stored, imported in pairs:
        wins = rank[imported] > rank[stored]
        assert consents[f"{stored}-{imported}"] == ((imported, "import") if wins else (stored, "before"))


async def test_an_address_is_stored_where_a_channel_has_one(database: Database, store_id: int) -> None:
    text = "external_id,contact.line,consent.line,consent.email\na,U123,subscribed,\nb,,,Subscribed\n"
    assert await import_customers(database, store_id, text) == []
    ann, bob = await stored_customer(database, store_id, "a"), await stored_customer(database, store_id, "b")
    async with database.read() as tx:
        contacts_by_id = await queries.contacts_of(tx, store_id, [ann.id, bob.id])
    stored = [contact for customer in (ann, bob) for contact in contacts_by_id[customer.id]]
    assert [(item.channel, item.address, item.consent, item.consent_at) for item in stored] == [
        ("line", "U123", Consent.SUBSCRIBED, NOW),
        ("email", None, Consent.SUBSCRIBED, NOW),
    ]


async def test_a_dry_run_reports_and_changes_nothing(database: Database, store_id: int) -> None:
    problems = await import_customers(
        database, store_id, "external_id,country,property.x\na,TW,1\nb,Atlantis,2\n", dry_run=True
    )
    assert [problem.row for problem in problems] == [3]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(customers)) == 0
        assert await queries.definitions(tx, store_id) == []


async def test_of_many_problems_a_thousand_are_stored_and_the_rest_counted(database: Database, store_id: int) -> None:
    problems = await import_customers(database, store_id, "external_id,country\n" + "a,Atlantis\n" * 20_000 + "b,TW\n")
    assert len(problems) == 1_001
    assert problems[-1] == Problem(
        None, "19,000 more problems are in the operation's file, which has all of them", outcome=ProblemOutcome.NOTICE
    )


async def test_every_field_of_a_customer_is_a_column_of_a_file(database: Database, store_id: int) -> None:
    text = (
        "external_id,first_name,last_name,company,note,email,email_verified,phone,phone_verified,registered_from,"
        "registration_form,account_status,password_set,last_login_at,preferred_channel,loyalty_rank\n"
        "a,Ann,Lin,Loom Ltd,Calls on Mondays,a@shop.example,true,+886912345678,yes,pos,"
        "Summer fair,to_be_enabled,false,2026-01-02T03:04:05+08:00,email,Gold\n"
    )
    assert await import_customers(database, store_id, text) == []
    ann = await stored_customer(database, store_id, "a")
    assert (ann.first_name, ann.last_name, ann.company, ann.note) == ("Ann", "Lin", "Loom Ltd", "Calls on Mondays")
    assert (ann.email_verified, ann.phone_verified, ann.password_set) == (True, True, False)
    assert (ann.registered_from, ann.registration_form) == ("pos", "Summer fair")
    assert ann.account_status is AccountStatus.TO_BE_ENABLED
    assert ann.last_login_at == datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)
    assert (ann.preferred_channel, ann.loyalty_rank) == ("email", "Gold")
    assert await import_customers(database, store_id, "external_id,company,password_set\na,,true\n") == []
    ann = await stored_customer(database, store_id, "a")
    assert (ann.first_name, ann.company, ann.password_set, ann.email_verified) == ("Ann", "Loom Ltd", True, True)


async def test_an_address_that_changes_is_unverified_unless_the_row_says_otherwise(
    database: Database, store_id: int
) -> None:
    header = "external_id,email,email_verified\n"
    assert await import_customers(database, store_id, header + "a,a@shop.example,true\nb,b@shop.example,true\n") == []
    assert await import_customers(database, store_id, header + "a,a2@shop.example,\nb,b2@shop.example,true\n") == []
    assert (await stored_customer(database, store_id, "a")).email_verified is False
    assert (await stored_customer(database, store_id, "b")).email_verified is True
    rows = "b,b2@shop.example,true\nb,b3@shop.example,\nc,c@shop.example,true\nc,c2@shop.example,\n"
    assert await import_customers(database, store_id, header + rows) == []
    assert (await stored_customer(database, store_id, "b")).email_verified is False
    assert (await stored_customer(database, store_id, "c")).email_verified is False


async def test_addresses_come_by_their_number_and_an_empty_cell_keeps(database: Database, store_id: int) -> None:
    first = (
        "external_id,address.city,address.postcode,address.2.street,address.2.latitude\n"
        "a,Kyoto,600-8216,Main Street 1,35.01\nb,Utrecht,,,\nc,,,,\n"
    )
    assert await import_customers(database, store_id, first) == []
    later = "external_id,address.1.street,address.1.city,address.3.country\na,Shichijo,,jp\nb,,Zwolle,\nd,,Lyon,FR\n"
    assert await import_customers(database, store_id, later) == []
    async with database.read() as tx:
        rows = await tx.execute(select(customer_addresses).order_by("customer_id", "position"))
        addresses = [
            (row.customer_id, row.position, row.country, row.city, row.postcode, row.street, row.latitude)
            for row in rows
        ]
    a, b, d = [(await stored_customer(database, store_id, name)).id for name in "abd"]
    assert addresses == [
        (a, 1, None, "Kyoto", "600-8216", "Shichijo", None),
        (a, 2, None, None, None, "Main Street 1", 35.01),
        (a, 3, "JP", None, None, None, None),
        (b, 1, None, "Zwolle", None, None, None),
        (d, 1, None, "Lyon", None, None, None),
        (d, 3, "FR", None, None, None, None),
    ]
