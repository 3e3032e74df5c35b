"""Channels as stores have them: found by plugins, installed and configured by a store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from muster_sdk import AddressKind, Capabilities

from domain.accounts import queries as accounts
from domain.installation.keys import InstallationKeys
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.kit.json_bounds import JsonBounds
from domain.sessions.local_settings import outgrown
from domain.sessions.session import ChannelBroken, Sessions
from domain.stores import queries as stores
from domain.stores.channels import ChannelUnavailable, CheckedSettings, ConfiguredChannel
from plugins.contributions import InstalledChannel, Plugins
from plugins.sealing import Settings, WrongKey, seal, unseal, with_secrets

# Of settings as a client sends them; what they mean is up to the channel.
SETTINGS_BOUNDS = JsonBounds(size=65_536, levels=8, entries=1_000, key=200, text=32_768)


@dataclass(frozen=True, slots=True)
class StoreChannel:
    """A channel of the server, as the store has installed and configured it."""

    plugin: InstalledChannel
    installed_at: datetime | None
    configured: bool
    # None as well where the stored ones cannot be used.
    settings: Settings | None


class InstalledChannels:
    """The server's channels; a store's settings are sealed with the server's secret key."""

    def __init__(self, plugins: Plugins, keys: InstallationKeys, sessions: Sessions) -> None:
        self._plugins = plugins
        self._keys = keys
        self._sessions = sessions

    @property
    def addresses(self) -> Mapping[str, AddressKind]:
        """Return the kind of address that each channel takes."""
        return {key: installed.channel.address for key, installed in self._plugins.channels.items()}

    @property
    def capabilities(self) -> Mapping[str, Capabilities]:
        return {key: installed.channel.capabilities for key, installed in self._plugins.channels.items()}

    @property
    def labels(self) -> Mapping[str, str]:
        return {key: installed.channel.label for key, installed in self._plugins.channels.items()}

    async def find(self, tx: Transaction, store_id: int, key: str) -> ConfiguredChannel | None:
        """Return the channel, None when it is not installed. Raise ChannelUnavailable, also where no plugin has it."""
        installation = (await stores.installations(tx, store_id)).get(key)
        if installation is None:
            return None
        plugin = self._plugins.channels.get(key)
        if plugin is None:
            raise ChannelUnavailable(self._missing(installation), field=("channel",))
        try:
            return ConfiguredChannel(plugin.channel, self._open(plugin, store_id, installation.settings))
        except WrongKey as error:
            # Taken for unconfigured it would be a sandbox: everything "sent", and nobody reached.
            raise ChannelUnavailable(str(error), field=("channel",)) from None

    async def all(self, tx: Transaction, store_id: int) -> list[StoreChannel]:
        installed = await stores.installations(tx, store_id)
        return [
            self._store_channel(store_id, plugin, installed.get(key)) for key, plugin in self._plugins.channels.items()
        ]

    async def check(
        self, database: Database, store_id: int, key: str, settings: Mapping[str, object]
    ) -> CheckedSettings | None:
        """Return the settings as `configure` takes them, None for an unknown channel.

        The channel's code checks them, which may take long: no transaction is open meanwhile. Raise DomainErrors.
        """
        plugin = self._plugins.channels.get(key)
        if plugin is None:
            return None
        async with database.read() as tx:
            installation = (await stores.installations(tx, store_id)).get(key)
        sealed = None if installation is None else installation.settings
        return CheckedSettings(settings, await self._checked(plugin, store_id, settings, sealed), sealed)

    async def configure(
        self,
        tx: Transaction,
        store_id: int,
        key: str,
        settings: CheckedSettings | Mapping[str, object] | None,
        now: datetime,
    ) -> StoreChannel:
        """Install the channel, and configure it where settings are given; secrets left out stay as they are.

        They are checked here unless `check` has done it, and nothing was stored since.
        Raise DomainError for an unknown channel, DomainErrors for settings that its schema refuses, WrongSecretKey.
        """
        plugin = self._plugins.channels.get(key)
        if plugin is None:
            known = ", ".join(sorted(self._plugins.channels)) or "none"
            message = f"{key!r} is no channel of this server, which has: {known}"
            raise DomainError(message, field=("key",), code=ErrorCode.CHANNEL_UNAVAILABLE)
        await stores.install(tx, store_id, key, None, now, plugin.package)
        if settings is not None:
            sealed = (await stores.installations(tx, store_id))[key].settings
            if isinstance(settings, CheckedSettings) and settings.sealed == sealed:
                validated = settings.checked
            else:
                given = settings.given if isinstance(settings, CheckedSettings) else settings
                validated = await self._checked(plugin, store_id, given, sealed)
            secret_key = await self._keys.sealing_key(tx)
            await stores.install(tx, store_id, key, seal(validated, secret_key, store_id, key), now)
            await accounts.forget_refusals(tx, store_id, key)
        return self._store_channel(store_id, plugin, (await stores.installations(tx, store_id))[key])

    async def problems(self, tx: Transaction, store_id: int) -> list[str]:
        """Return why channels that the store has installed cannot be used."""
        problems: list[str] = []
        for key, installation in (await stores.installations(tx, store_id)).items():
            plugin = self._plugins.channels.get(key)
            if plugin is None:
                problems.append(self._missing(installation))
                continue
            try:
                settings = self._open(plugin, store_id, installation.settings)
                if settings is not None:
                    await self._sessions.check_settings(key, settings)
            except (WrongKey, ChannelBroken) as error:
                problems.append(str(error))
            except DomainErrors:
                problems.append(outgrown(key, plugin.channel.version))
        return problems

    async def _checked(
        self, plugin: InstalledChannel, store_id: int, settings: Mapping[str, object], sealed: bytes | None
    ) -> Settings:
        SETTINGS_BOUNDS.check(settings, ("settings",))
        try:
            stored = self._open(plugin, store_id, sealed)
        except WrongKey:
            stored = None
        whole = with_secrets(plugin.channel, settings, stored)
        try:
            return await self._sessions.check_settings(plugin.channel.key, whole)
        except DomainErrors as errors:
            raise errors.under("settings") from None
        except ChannelBroken as error:
            raise ChannelUnavailable(str(error), field=("settings",)) from None

    def _missing(self, installation: stores.Installation) -> str:
        """Return why no plugin brings the channel, as far as that is known."""
        key, package = installation.channel, installation.package
        # A plugin often has the name of its one channel.
        faults = [fault for fault in self._plugins.faults if package == fault.package or key == fault.plugin]
        if faults:
            fault = faults[0]
            return f"The channel {key!r} of {fault.package} {fault.version} is left out: {fault.reason}"
        if package is None:
            return f"No plugin brings the channel {key!r} any more"
        return f"No plugin brings the channel {key!r} any more: it was of {package}, which is not installed or blocked"

    def _store_channel(
        self, store_id: int, plugin: InstalledChannel, installation: stores.Installation | None
    ) -> StoreChannel:
        if installation is None:
            return StoreChannel(plugin, None, configured=False, settings=None)
        try:
            settings = self._open(plugin, store_id, installation.settings)
        except WrongKey:
            settings = None
        configured = installation.settings is not None
        return StoreChannel(plugin, installation.installed_at, configured, settings)

    def _open(self, plugin: InstalledChannel, store_id: int, sealed: bytes | None) -> Settings | None:
        return None if sealed is None else unseal(plugin.channel.key, sealed, self._keys.secret_keys, store_id)
