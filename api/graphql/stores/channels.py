"""Channels: those of the server, and the store's settings of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import strawberry
from muster_sdk import Grade

from api.graphql.kit.audited import Observed, subject_of
from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import derived
from api.graphql.kit.mutation import mutation
from api.graphql.kit.scalars import JSON
from api.graphql.stores.connections import ChannelSync, problem_of, sync_of
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.stores import queries
from domain.stores.channels import CheckedSettings, redacted
from domain.stores.model import TokenScope
from plugins.store_channels import StoreChannel

expose(
    Grade,
    {
        Grade.BRONZE: "Its settings, content, outcomes and reports are as the contract of channels says.",
        Grade.SILVER: "Also, a repeat is harmless or its limits are known, it waits as long as it is asked to, and its "
        "connection can be checked.",
        Grade.GOLD: "Also, its receipts are verified, its messages reviewed or estimated, and its provider's sandbox "
        "has taken one.",
    },
    name="ChannelGrade",
)


@strawberry.type
class ChannelCapabilities:
    max_batch: int
    delivery_receipts: bool
    open_tracking: bool
    click_tracking: bool
    audience_sync: bool
    connection_check: bool = strawberry.field(description="Whether channelTest can ask its provider.")
    oauth: bool = strawberry.field(description="Whether channelConnect connects an account.")
    idempotent_send: bool = derived(lambda capabilities: capabilities.idempotent)


@strawberry.type(description="A channel plugin.")
class Channel:
    store_channel: strawberry.Private[StoreChannel]

    key: str = derived(lambda self: self.store_channel.plugin.channel.key)
    label: str = derived(lambda self: self.store_channel.plugin.channel.label)
    version: str = derived(lambda self: self.store_channel.plugin.channel.version)
    package: str = derived(
        lambda self: self.store_channel.plugin.package, description="The Python package that brings it."
    )
    grade: Grade | None = derived(
        lambda self: self.store_channel.plugin.channel.grade,
        description="What its author's tests have shown of this very version; null if nothing.",
    )
    installed: bool = derived(lambda self: self.store_channel.installed_at is not None)
    configured: bool = derived(
        lambda self: self.store_channel.configured,
        description="Without settings it is a sandbox: messages are rendered, counted and stored, but not sent.",
    )
    installed_at: datetime | None = derived(lambda self: self.store_channel.installed_at)
    settings_schema: JSON = derived(
        lambda self: self.store_channel.plugin.channel.settings_schema,
        description='JSON Schema of its settings; secrets are marked "writeOnly" and never answered.',
    )
    settings: JSON | None = derived(lambda self: _shown_settings(self.store_channel))
    content_schema: JSON = derived(
        lambda self: self.store_channel.plugin.channel.content_schema,
        description="JSON Schema of a campaign's content.",
    )
    capabilities: ChannelCapabilities = derived(lambda self: self.store_channel.plugin.channel.capabilities)

    @strawberry.field(
        description=(
            "The address to give to the provider, which tells there what becomes of messages; null for a channel that "
            "takes no webhooks."
        )
    )
    async def webhook_url(self, info: Info) -> str | None:
        channel = self.store_channel.plugin.channel
        if not channel.capabilities.webhooks:
            return None
        addresses = await info.context.services.webhook_addresses()
        return addresses.url(info.context.store_id, channel.key)

    @strawberry.field(description="Why the work that the channel does by itself fails; it is tried again.")
    async def problem(self, info: Info) -> str | None:
        return await problem_of(info.context, self.store_channel.plugin.channel.key)

    @strawberry.field(
        description="The synchronisation of the latest lists, for a channel that keeps its own audiences; null before "
        "the first."
    )
    async def sync(self, info: Info) -> ChannelSync | None:
        return await sync_of(info.context, self.store_channel.plugin.channel.key)


@strawberry.type
class ChannelPayload:
    channel: Channel | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class ChannelQuery:
    @strawberry.field(description="The channel plugins that this server has found, installed in the store or not.")
    async def channels(self, info: Info) -> list[Channel]:
        return await _channels(info.context)

    @strawberry.field
    async def channel(self, info: Info, key: str) -> Channel | None:
        channels = await _channels(info.context)
        return next((channel for channel in channels if channel.store_channel.plugin.channel.key == key), None)


async def _observe_channel(context: Context, tx: Transaction, arguments: Mapping[str, Any]) -> Observed:
    """Read whether it is installed and configured; its settings, which may hold secrets, are not recorded."""
    key: str = arguments["key"]
    installation = (await queries.installations(tx, context.store_id)).get(key)
    # A key that is no channel's is whatever the caller has sent; the change refuses it.
    values = None if installation is None else {"installed": True, "configured": installation.settings is not None}
    return Observed(subject_of("Channel", key), values)


async def _check_settings(context: Context, arguments: Mapping[str, Any]) -> CheckedSettings | None:
    settings: object = arguments.get("settings")
    if settings is None:
        return None
    if not isinstance(settings, dict):
        raise DomainError("Settings are an object, as settingsSchema says", field=("settings",))
    values = cast("dict[str, object]", settings)
    return await context.services.channels.check(context.database, context.store_id, arguments["key"], values)


@strawberry.type
class ChannelMutation:
    @mutation(
        ChannelPayload,
        TokenScope.ADMIN,
        description="Settings can be added later: until then the channel is a sandbox.",
        observe=_observe_channel,
        prepare=_check_settings,
    )
    async def channel_install(
        self,
        context: Context,
        tx: Transaction,
        prepared: CheckedSettings | None,
        key: str,
        settings: JSON | None = None,  # noqa: ARG002 - as they are checked, they are in `prepared`
    ) -> ChannelPayload:
        return await _configure(context, tx, key, prepared)

    @mutation(
        ChannelPayload,
        TokenScope.ADMIN,
        description="A secret that is left out keeps its value.",
        observe=_observe_channel,
        prepare=_check_settings,
    )
    async def channel_configure(
        self,
        context: Context,
        tx: Transaction,
        prepared: CheckedSettings | None,
        key: str,
        settings: JSON,  # noqa: ARG002 - as they are checked, they are in `prepared`
    ) -> ChannelPayload:
        return await _configure(context, tx, key, prepared)


async def store_channels(context: Context) -> Sequence[StoreChannel]:
    """Return the server's channels with the store's settings of them."""
    return await context.batch(_store_channels).load(context.store_id)


async def _store_channels(context: Context, store_ids: list[int]) -> list[Sequence[StoreChannel]]:
    async with context.database.read() as tx:
        return [await context.services.channels.all(tx, store_id) for store_id in store_ids]


def _shown_settings(store_channel: StoreChannel) -> dict[str, Any] | None:
    settings = store_channel.settings
    return None if settings is None else redacted(store_channel.plugin.channel, settings)


async def _channels(context: Context) -> list[Channel]:
    return [Channel(store_channel=store_channel) for store_channel in await store_channels(context)]


async def _configure(context: Context, tx: Transaction, key: str, settings: CheckedSettings | None) -> ChannelPayload:
    store_channel = await context.services.channels.configure(tx, context.store_id, key, settings, context.now)
    return ChannelPayload(channel=Channel(store_channel=store_channel))
