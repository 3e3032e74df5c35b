"""What accounts were refused for is forgotten when it no longer holds, and never quotes who was erased."""

from datetime import timedelta

from domain.accounts import actions, queries
from domain.accounts.model import AccountKey
from domain.kit.db import Database
from tests.factories import add_store


async def test_a_channel_that_is_configured_anew_is_tried_at_once(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        other_store = await add_store(tx)
        keys = [AccountKey(store_id, "sms", "1"), AccountKey(store_id, "line", ""), AccountKey(other_store, "sms", "1")]
        for key in keys:
            await actions.note_refusal(tx, key, "401 Unknown token", timedelta(hours=1), probe=False)
        await queries.forget_refusals(tx, store_id, "sms")
        looks = [await actions.look(tx, key, None, 9) for key in keys]
    assert [look and look.count for look in looks] == [9, 0, 0]


async def test_a_reason_loses_the_address_of_who_was_erased(database: Database, store_id: int) -> None:
    key = AccountKey(store_id, "sms")
    async with database.write() as tx:
        await actions.note_refusal(tx, key, "429 Too many to Ann@shop.example", None, probe=False)
        await queries.replace_reasons(tx, store_id, {"bob@shop.example"}, "gone")
        assert (await queries.lock(tx, key)).reason == "429 Too many to Ann@shop.example"
        await queries.replace_reasons(tx, store_id, {"ann@shop.example"}, "gone")
        assert (await queries.lock(tx, key)).reason == "gone"
