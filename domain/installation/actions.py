"""Everything that is secret is sealed with another secret key, while all processes work."""

from dataclasses import dataclass

from domain.installation.keys import InstallationKeys
from domain.kit.db import Database, Transaction
from domain.kit.secret_keys import SecretKey, seal, sealed_prefix
from domain.stores import sealed_settings
from domain.stores.channels import SETTINGS_PURPOSE, place_of_settings
from domain.stores.sealed_settings import SealedSettings

# Settings that are sealed anew in one transaction.
_PORTION = 100


@dataclass(frozen=True, slots=True)
class Resealed:
    """The number of channels whose settings are sealed anew, and of those that no key here opens."""

    settings: int
    unknown: int


async def reseal(database: Database, keys: InstallationKeys) -> Resealed:
    """Seal everything with the current secret key, which all processes must have. Raise WrongSecretKey.

    From its first transaction on, all others seal with that key as well. Interrupted, it is done by calling it again.
    """
    await keys.load(database)
    key = keys.secret_keys.pair.current
    async with database.write() as tx:
        await keys.reseal(tx, key)
    resealed = unknown = 0
    after: SealedSettings | None = None
    while True:
        async with database.write() as tx:
            portion = await sealed_settings.page(tx, _PORTION, unlike=sealed_prefix(key), after=after)
            opened = [await _reseal(tx, keys, key, settings) for settings in portion]
        resealed += opened.count(True)
        unknown += opened.count(False)
        if len(portion) < _PORTION:
            return Resealed(resealed, unknown)
        after = portion[-1]


async def _reseal(tx: Transaction, keys: InstallationKeys, key: SecretKey, settings: SealedSettings) -> bool:
    """Seal the settings anew; return whether they could be opened."""
    place = place_of_settings(settings.store_id, settings.channel)
    plain = keys.secret_keys.open(settings.settings, SETTINGS_PURPOSE, place)
    if plain is None:
        return False
    await sealed_settings.replace(tx, settings, seal(key, plain, SETTINGS_PURPOSE, place))
    return True
