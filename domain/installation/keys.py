"""The lasting keys as a process has them, once the database was asked."""

import os

from domain.installation import queries
from domain.installation.model import SECRET_BYTES, LastingKeys, WrongSecretKey
from domain.kit.db import Database, Transaction
from domain.kit.secret_keys import SecretKey, SecretKeys, seal, sealing_key
from domain.stores import sealed_settings
from domain.stores.channels import SETTINGS_PURPOSE, place_of_settings

_PURPOSE = b"muster lasting keys"
_PLACE = b"installation"
# As many sealed settings are tried before a database is taken for one of these keys.
_SAMPLES = 20


class InstallationKeys:
    """Unseals the lasting keys, and makes them in a database that has none."""

    def __init__(self, secret_keys: SecretKeys, known: LastingKeys | None = None) -> None:
        self.secret_keys = secret_keys
        self._known = known

    async def load(self, database: Database) -> LastingKeys:
        """Return the keys; the database is asked once. Raise WrongSecretKey when they are of another secret key.

        No transaction of the caller's may be writing.
        """
        if self._known is None:
            async with database.whole.read() as tx:
                sealed = await queries.sealed_keys(tx)
            if sealed is None:
                async with database.whole.write() as tx:
                    sealed = await self._sealed(tx)
            self._known = self._open(sealed)
        return self._known

    async def of(self, tx: Transaction) -> LastingKeys:
        """Return the keys by a transaction that writes. Raise WrongSecretKey."""
        # Not kept: keys that it makes are not committed yet.
        return self._known or self._open(await self._sealed(tx))

    async def sealing_key(self, tx: Transaction) -> SecretKey:
        """Return the secret key that everything is sealed with until the transaction ends. Raise WrongSecretKey.

        It is the one before as long as nobody has said that all processes have the new one.
        """
        key = self.secret_keys.by_id(sealing_key(await self._sealed(tx, lock=True)) or b"")
        if key is None:
            raise WrongSecretKey
        return key

    async def reseal(self, tx: Transaction, key: SecretKey) -> None:
        """Seal the lasting keys with this key, and so have everybody seal with it. Raise WrongSecretKey."""
        await queries.replace_keys(tx, _seal(self._open(await self._sealed(tx)), key))

    async def replace(self, tx: Transaction) -> None:
        """Make new keys in place of those that nobody can open; nothing that they signed is known any more."""
        key = self.secret_keys.pair.current
        await queries.replace_keys(tx, _seal(_new_keys(key), key))

    async def _sealed(self, tx: Transaction, *, lock: bool = False) -> bytes:
        sealed = await queries.sealed_keys(tx, lock=lock)
        if sealed is None:
            await self._check_settings(tx)
            pair = self.secret_keys.pair
            # In the middle of a rotation, the key before is the one that has signed and that all processes have.
            first = pair.previous or pair.current
            # Others may be faster.
            await queries.add(tx, _seal(_new_keys(first), first))
            sealed = await queries.sealed_keys(tx, lock=lock)
            assert sealed is not None
        return sealed

    async def _check_settings(self, tx: Transaction) -> None:
        """Raise WrongSecretKey when the database has sealed settings, and none of them is of these keys."""
        samples = await sealed_settings.page(tx, _SAMPLES)
        opened = (
            self.secret_keys.open(sample.settings, SETTINGS_PURPOSE, place_of_settings(sample.store_id, sample.channel))
            for sample in samples
        )
        if samples and not any(plain is not None for plain in opened):
            raise WrongSecretKey

    def _open(self, sealed: bytes) -> LastingKeys:
        plain = self.secret_keys.open(sealed, _PURPOSE, _PLACE)
        if plain is None:
            raise WrongSecretKey
        return LastingKeys.unpack(plain)


def _new_keys(key: SecretKey) -> LastingKeys:
    # Links that were signed before this table was there are of the secret key itself.
    return LastingKeys(os.urandom(SECRET_BYTES), key.secret)


def _seal(keys: LastingKeys, key: SecretKey) -> bytes:
    return seal(key, keys.pack(), _PURPOSE, _PLACE)
