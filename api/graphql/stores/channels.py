"""Channels: what the server has, what the store has installed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import strawberry

from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.errors import UserError, user_errors
from api.graphql.kit.fields import derived
from api.graphql.kit.scalars import JSON
from domain.kit.errors import DomainError, ErrorCode
from domain.stores.model import TokenScope
from plugins.sealing import redacted
from plugins.store_channels import StoreChannel


@strawberry.type
class ChannelCapabilities:
    max_batch: int
    delivery_receipts: bool
    open_tracking: bool
    click_tracking: bool
    audience_sync: bool
    idempotent_send: bool = derived(lambda capabilities: capabilities.idempotent)


@strawberry.type(description="A channel plugin.")
class Channel:
    of: strawberry.Private[StoreChannel]

    key: str = derived(lambda self: self.of.plugin.channel.key)
    label: str = derived(lambda self: self.of.plugin.channel.label)
    version: str = derived(lambda self: self.of.plugin.channel.version)
    package: str = derived(lambda self: self.of.plugin.package, description="The Python package that brings it.")
    installed: bool = derived(lambda self: self.of.installed_at is not None)
    configured: bool = derived(
        lambda self: self.of.configured,
        description="Until it is, it is a sandbox: messages are made, counted and kept, and go nowhere.",
    )
    installed_at: datetime | None = derived(lambda self: self.of.installed_at)
    settings_schema: JSON = derived(
        lambda self: self.of.plugin.channel.settings.model_json_schema(),
        description='JSON Schema of its settings; secrets are marked "writeOnly" and never answered.',
    )
    settings: JSON | None = derived(lambda self: self.of.settings and redacted(self.of.settings))
    content_schema: JSON = derived(
        lambda self: self.of.plugin.channel.content.model_json_schema(),
        description="JSON Schema of a campaign's content.",
    )
    capabilities: ChannelCapabilities = derived(lambda self: self.of.plugin.channel.capabilities)


@strawberry.type
class ChannelPayload:
    channel: Channel | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class ChannelQuery:
    @strawberry.field(description="The channel plugins that this server has found, installed in the store or not.")
    async def channels(self, info: Info) -> list[Channel]:
        return await _all(allow(info, TokenScope.READ))

    @strawberry.field
    async def channel(self, info: Info, key: str) -> Channel | None:
        found = await _all(allow(info, TokenScope.READ))
        return next((channel for channel in found if channel.of.plugin.channel.key == key), None)


@strawberry.type
class ChannelMutation:
    @strawberry.mutation(description="Settings may follow later: until then the channel is a sandbox.")
    async def channel_install(self, info: Info, key: str, settings: JSON | None = None) -> ChannelPayload:
        return await _configure(allow(info, TokenScope.ADMIN), key, settings)

    @strawberry.mutation(description="A secret that is left out stays as it is.")
    async def channel_configure(self, info: Info, key: str, settings: JSON) -> ChannelPayload:
        return await _configure(allow(info, TokenScope.ADMIN), key, settings)


async def channels_of(context: Context) -> Sequence[StoreChannel]:
    return await context.batch(_of_stores).load(context.store_id)


async def _of_stores(context: Context, wanted: list[int]) -> list[Sequence[StoreChannel]]:
    async with context.database.read() as tx:
        return [await context.services.channels.all(tx, store_id) for store_id in wanted]


async def _all(context: Context) -> list[Channel]:
    return [Channel(of=found) for found in await channels_of(context)]


async def _configure(context: Context, key: str, settings: object) -> ChannelPayload:
    try:
        async with context.database.write() as tx:
            made = await context.services.channels.configure(tx, context.store_id, key, _object(settings), context.now)
    except DomainError as error:
        return ChannelPayload(user_errors=user_errors(error))
    return ChannelPayload(channel=Channel(of=made))


def _object(settings: object) -> Mapping[str, object] | None:
    if settings is None or isinstance(settings, dict):
        return cast("dict[str, Any] | None", settings)
    raise DomainError("settings are an object, as settingsSchema says", field=("settings",), code=ErrorCode.INVALID)
