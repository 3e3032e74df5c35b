"""Settings are checked by a channel's code, which may take long: nobody waits for it but who has sent them."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from api.app import create_app
from domain.deliveries.local_session import LocalSessions
from domain.kit.db import Database
from domain.stores import queries as stores
from domain.templates.rendering import MinijinjaTemplates
from plugins.store_channels import InstalledChannels
from tests.api.graphql.stage import StoreClient
from tests.factories import NOW


class WritingSessions(LocalSessions):
    """Writes while settings are checked, which waits as long as somebody else is writing on SQLite."""

    database: Database
    store_id: int
    settings: bytes | None = None

    async def check_settings(self, channel: str, settings: Mapping[str, object]) -> Mapping[str, Any]:
        checked = await super().check_settings(channel, settings)
        async with asyncio.timeout(3), self.database.write() as tx:
            await stores.install(tx, self.store_id, "other", self.settings, NOW)
        return checked


async def test_others_write_while_settings_are_checked(store: StoreClient) -> None:
    runtime = store.stage.runtime
    sessions = WritingSessions(MinijinjaTemplates(), channels=[store.stage.channel])
    sessions.database, sessions.store_id = runtime.database, store.store_id
    channels = InstalledChannels(runtime.plugins, runtime.services.keys, sessions)
    services = replace(runtime.services, channels=channels, sessions=sessions)
    runtime = replace(runtime, services=services)
    store = replace(store, stage=replace(store.stage, runtime=runtime, app=create_app(runtime)))

    await store.install(settings={"account": "first"})
    again = await store.mutate(
        "channelConfigure", "key: $key, settings: $settings", "channel { settings }", key="recording", settings={}
    )
    assert again["channel"] == {"settings": {"account": "test"}}
    async with runtime.database.read() as tx:
        assert set(await stores.installations(tx, store.store_id)) == {"recording", "other"}
