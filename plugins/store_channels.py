"""Channels as stores have them: found by plugins, installed and configured by a store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from muster_sdk import AddressKind
from pydantic import BaseModel

from domain.kit.db import Transaction
from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.stores import queries as stores
from domain.stores.channels import ChannelUnavailable, ConfiguredChannel
from plugins.manager import InstalledChannel, Plugins
from plugins.sealing import Unusable, seal, unseal, validate


@dataclass(frozen=True, slots=True)
class StoreChannel:
    """A channel that the server has, and what the store has made of it."""

    plugin: InstalledChannel
    installed_at: datetime | None
    configured: bool
    # None as well where those that are kept cannot be used.
    settings: BaseModel | None


class InstalledChannels:
    """The server's channels; a store's settings are kept sealed with the server's key."""

    def __init__(self, plugins: Plugins, key: bytes) -> None:
        self._plugins = plugins
        self._key = key

    @property
    def addresses(self) -> Mapping[str, AddressKind]:
        """The kind of address that each channel takes."""
        return {key: found.channel.address for key, found in self._plugins.channels.items()}

    @property
    def labels(self) -> Mapping[str, str]:
        return {key: found.channel.label for key, found in self._plugins.channels.items()}

    async def find(self, tx: Transaction, store_id: int, key: str) -> ConfiguredChannel | None:
        """The channel as the store has it; None when it is unknown or not installed."""
        plugin = self._plugins.channels.get(key)
        installation = (await stores.installations(tx, store_id)).get(key)
        if plugin is None or installation is None:
            return None
        try:
            return ConfiguredChannel(plugin.channel, self._open(plugin, store_id, installation.settings))
        except Unusable as error:
            # Taken for unconfigured it would be a sandbox: everything "sent", and nobody reached.
            raise ChannelUnavailable(str(error), field=("channel",)) from None

    async def all(self, tx: Transaction, store_id: int) -> list[StoreChannel]:
        installed = await stores.installations(tx, store_id)
        return [self._seen(store_id, plugin, installed.get(key)) for key, plugin in self._plugins.channels.items()]

    async def configure(
        self, tx: Transaction, store_id: int, key: str, settings: Mapping[str, object] | None, now: datetime
    ) -> StoreChannel:
        """Install the channel, and configure it where settings are given; secrets left out stay as they are."""
        plugin = self._plugin(key)
        await stores.install(tx, store_id, key, None, now)
        if settings is not None:
            kept = self._seen(store_id, plugin, (await stores.installations(tx, store_id))[key])
            try:
                chosen = validate(plugin.channel, settings, kept.settings)
            except DomainErrors as faults:
                raise faults.under("settings") from None
            await stores.install(tx, store_id, key, seal(chosen, self._key, store_id, key), now)
        return self._seen(store_id, plugin, (await stores.installations(tx, store_id))[key])

    async def problems(self, tx: Transaction, store_id: int) -> list[str]:
        """Why channels that the store has installed cannot be used."""
        said: list[str] = []
        for key, installation in (await stores.installations(tx, store_id)).items():
            plugin = self._plugins.channels.get(key)
            if plugin is None:
                said.append(f"no plugin brings the channel {key!r} any more")
                continue
            try:
                self._open(plugin, store_id, installation.settings)
            except Unusable as error:
                said.append(str(error))
        return said

    def _plugin(self, key: str) -> InstalledChannel:
        plugin = self._plugins.channels.get(key)
        if plugin is None:
            known = ", ".join(sorted(self._plugins.channels)) or "none"
            raise DomainError(
                f"{key!r} is no channel of this server, which has: {known}",
                field=("key",),
                code=ErrorCode.CHANNEL_UNAVAILABLE,
            )
        return plugin

    def _seen(self, store_id: int, plugin: InstalledChannel, installation: stores.Installation | None) -> StoreChannel:
        if installation is None:
            return StoreChannel(plugin, None, configured=False, settings=None)
        try:
            settings = self._open(plugin, store_id, installation.settings)
        except Unusable:
            settings = None
        configured = installation.settings is not None
        return StoreChannel(plugin, installation.installed_at, configured, settings)

    def _open(self, plugin: InstalledChannel, store_id: int, sealed: bytes | None) -> BaseModel | None:
        return None if sealed is None else unseal(plugin.channel, sealed, self._key, store_id)
