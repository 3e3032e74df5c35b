"""Lasting keys: made once, sealed with the secret key, the same through every rotation of it (S10, S12)."""

import asyncio

import pytest
from sqlalchemy import func, select

from domain.consents.links import UnsubscribeLinks, UnsubscribeToken
from domain.installation.keys import InstallationKeys
from domain.installation.model import LastingKeys, WrongSecretKey
from domain.installation.tables import installation
from domain.kit import ids
from domain.kit.db import Database
from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys, seal, sealing_key
from domain.stores import queries as stores
from domain.stores.channels import SETTINGS_PURPOSE, place_of_settings
from tests.factories import NOW

FIRST, SECOND, THIRD = (SecretKey(f"the {word} secret key".encode()) for word in ("first", "second", "third"))
SUBJECT = UnsubscribeToken(1, 7, ids.new(), "email")
BASE = "https://shop.example"


def keys_of(current: SecretKey, previous: SecretKey | None = None) -> InstallationKeys:
    return InstallationKeys(SecretKeys(KeyPair(current, previous)))


async def reseal(database: Database, current: SecretKey, previous: SecretKey) -> None:
    keys = keys_of(current, previous)
    async with database.write() as tx:
        await keys.reseal(tx, keys.secret_keys.pair.current)


async def test_processes_that_start_at_once_have_the_same_keys(database: Database) -> None:
    loaded = await asyncio.gather(*(keys_of(FIRST).load(database) for _ in range(8)))
    assert len({keys.derive("hashes of addresses") for keys in loaded}) == 1
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(installation)) == 1


async def test_each_purpose_has_a_key_of_its_own(database: Database) -> None:
    keys = await keys_of(FIRST).load(database)
    assert len(keys.derive("one")) == 32
    assert keys.derive("one") != keys.derive("another")
    assert FIRST.secret not in keys.secret
    async with database.read() as tx:
        row = (await tx.execute(select(installation.c.sealed_keys))).scalar_one()
    assert keys.secret not in row
    assert FIRST.secret not in row


async def test_links_that_the_secret_key_signed_work_after_two_rotations(database: Database) -> None:
    before = UnsubscribeLinks(BASE, FIRST.secret).url(SUBJECT)
    first = await keys_of(FIRST).load(database)
    await reseal(database, SECOND, FIRST)
    await reseal(database, THIRD, SECOND)
    last = await keys_of(THIRD).load(database)
    assert UnsubscribeLinks(BASE, last.signing).url(SUBJECT) == before
    assert last == first


async def test_the_key_before_is_of_no_use_after_a_rotation(database: Database) -> None:
    await keys_of(FIRST).load(database)
    await reseal(database, SECOND, FIRST)
    with pytest.raises(WrongSecretKey, match="MUSTER_SECRET_KEY"):
        await keys_of(FIRST).load(database)
    with pytest.raises(WrongSecretKey):
        await keys_of(THIRD, FIRST).load(database)


async def test_all_seal_with_the_key_before_until_all_are_said_to_have_the_new_one(database: Database) -> None:
    await keys_of(FIRST).load(database)
    old, new = keys_of(FIRST), keys_of(SECOND, FIRST)
    async with database.write() as tx:
        assert await new.sealing_key(tx) == await old.sealing_key(tx) == FIRST
    await reseal(database, SECOND, FIRST)
    async with database.write() as tx:
        assert await new.sealing_key(tx) == SECOND
        with pytest.raises(WrongSecretKey):
            await old.sealing_key(tx)


async def test_a_first_start_in_the_middle_of_a_rotation_signs_with_the_key_before(database: Database) -> None:
    keys = keys_of(SECOND, FIRST)
    assert (await keys.load(database)).signing == FIRST.secret
    async with database.write() as tx:
        assert await keys.sealing_key(tx) == FIRST


async def test_a_first_start_with_a_wrong_key_makes_no_keys(database: Database, store_id: int) -> None:
    sealed = seal(FIRST, b"{}", SETTINGS_PURPOSE, place_of_settings(store_id, "email"))
    async with database.write() as tx:
        await stores.install(tx, store_id, "email", sealed, NOW)
    with pytest.raises(WrongSecretKey):
        await keys_of(SECOND).load(database)
    assert isinstance(await keys_of(FIRST).load(database), LastingKeys)


async def test_keys_of_a_transaction_that_was_not_committed_are_forgotten(database: Database) -> None:
    keys = keys_of(FIRST)
    async with database.write() as tx:
        dropped = await keys.of(tx)
        await tx.connection.rollback()
    assert await keys.load(database) != dropped
    assert await keys.load(database) == await keys_of(FIRST).load(database)


async def test_keys_that_are_read_from_files_are_read_anew_for_an_unknown_one(database: Database) -> None:
    """As long as a process runs, others may have rotated the key."""
    await keys_of(FIRST).load(database)
    pair = KeyPair(FIRST)
    running = InstallationKeys(SecretKeys(pair, lambda: pair))
    pair = KeyPair(SECOND, FIRST)
    await reseal(database, SECOND, FIRST)
    async with database.write() as tx:
        assert await running.sealing_key(tx) == SECOND


def test_a_value_names_its_key_and_not_the_secret() -> None:
    sealed = seal(FIRST, b"text", b"purpose", b"place")
    assert sealing_key(sealed) == FIRST.id
    assert FIRST.secret not in sealed
    assert FIRST.id != SECOND.id
