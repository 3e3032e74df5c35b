"""Intents: which deliveries are begun, and who is skipped at the last moment."""

from sqlalchemy import update

from domain.customers.tables import contacts, customers
from domain.deliveries.intents import Intent, commit_intents
from domain.deliveries.tables import deliveries
from domain.kit.db import Database
from domain.kit.db.portable import database_later
from tests.domain.deliveries.stage import Notice, make_notice


async def commit(notice: Notice, fence: int = 1, limit: int = 100) -> list[Intent]:
    batch = await notice.batch()
    async with notice.database.write() as tx:
        return await commit_intents(tx, batch, fence, notice.mailing, notice.channel.address, limit)


async def test_the_next_ones_are_begun_in_order(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 5)
    assert await commit(notice, fence=7, limit=2) == [Intent(1, "c1@shop.example", 1), Intent(2, "c2@shop.example", 1)]
    assert [intent.customer_id for intent in await commit(notice)] == [3, 4, 5]
    assert await commit(notice) == []
    rows = await notice.rows()
    assert [(row.status, row.fence, row.attempts) for row in (rows[1], rows[3])] == [
        ("SENDING", 7, 1),
        ("SENDING", 1, 1),
    ]


async def test_a_delivery_waits_until_it_is_due(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 2)
    async with database.write() as tx:
        later = database_later(60, tx.dialect)
        await tx.execute(update(deliveries).where(deliveries.c.customer_id == 1).values(not_before=later, attempts=1))
    assert [intent.customer_id for intent in await commit(notice)] == [2]
    async with database.write() as tx:
        past = database_later(-1, tx.dialect)
        await tx.execute(update(deliveries).where(deliveries.c.customer_id == 1).values(not_before=past))
    assert await commit(notice) == [Intent(1, "c1@shop.example", 2)]
    assert (await notice.rows())[1].not_before is None


async def test_customers_who_are_excluded_by_now_are_skipped_and_the_reason_is_stored(
    database: Database, store_id: int
) -> None:
    notice = await make_notice(database, store_id, 5)
    async with database.write() as tx:
        of_customer = contacts.c.customer_id
        await tx.execute(update(contacts).where(of_customer == 1).values(consent="UNSUBSCRIBED"))
        await tx.execute(update(contacts).where(of_customer == 2).values(invalid=True))
        await tx.execute(update(customers).where(customers.c.id == 3).values(blacklisted=True))
        # Its address was frozen: to lose it since is no reason.
        await tx.execute(update(customers).where(customers.c.id == 4).values(email=None))
    assert [intent.customer_id for intent in await commit(notice)] == [4, 5]
    rows = await notice.rows()
    assert {number: (rows[number].status, rows[number].error) for number in (1, 2, 3)} == {
        1: ("SKIPPED", "UNSUBSCRIBED"),
        2: ("SKIPPED", "INVALID_ADDRESS"),
        3: ("SKIPPED", "BLACKLISTED"),
    }
