"""A store's accounts at providers: tested, connected at the provider's page, and their audiences kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import strawberry
from muster_sdk import AccountReport

from api.graphql.kit.audited import Observed, subject_of
from api.graphql.kit.context import Context, Info
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import derived
from api.graphql.kit.mutation import Record, mutation
from api.graphql.kit.nodes import Node, load_node, named
from api.graphql.kit.scalars import JSON
from api.transactions import write
from domain.audiences import sync
from domain.channels import authorizations, periodic, syncs
from domain.channels.calls import check_ability
from domain.channels.connection import check_connection
from domain.channels.syncs import SyncedList as SyncedRow
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.operations.model import OperationStatus
from domain.stores.model import TokenScope
from plugins.store_channels import SETTINGS_BOUNDS


@strawberry.type(description="A list as the provider keeps it too.")
class SyncedList:
    row: strawberry.Private[SyncedRow]

    list: Node = strawberry.field(graphql_type=named("CustomerList"))
    count: int = derived(lambda self: self.row.count, description="Its members.")
    contacts: int = derived(
        lambda self: self.row.contacts,
        description="Of these, those handed over: unsubscribed, not subscribed and blacklisted are left out.",
    )
    synced_at: datetime = derived(lambda self: self.row.synced_at)


@strawberry.type(description="The synchronisation of the latest lists, for a channel that keeps its own audiences.")
class ChannelSync:
    channel: strawberry.Private[str]
    row: strawberry.Private[syncs.ChannelSync]

    status: OperationStatus = derived(lambda self: self.row.status)
    done: int = derived(lambda self: self.row.done, description="Members of lists that were gone through, of `total`.")
    total: int = derived(lambda self: self.row.total)
    problem: str | None = derived(
        lambda self: self.row.problem, description="Why it has failed, or waits: it goes on by itself then."
    )
    last_synced_at: datetime | None = derived(lambda self: self.row.last_synced_at)

    @strawberry.field(description="The lists that were handed over as a whole.")
    async def lists(self, info: Info) -> list[SyncedList]:
        rows = await info.context.batch(_synced_lists).load(self.channel)
        found = [(row, await load_node(info.context, "CustomerList", row.list_id)) for row in rows]
        return [SyncedList(row=row, list=listed) for row, listed in found if listed is not None]


@strawberry.type
class ChannelTestPayload:
    account: str | None = strawberry.field(default=None, description="Who the settings are at the provider.")
    problems: list[str] = strawberry.field(
        default_factory=list[str], description="Why messages would not go out, each with what is to be done."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class ChannelConnectPayload:
    authorization_url: str | None = strawberry.field(
        default=None, description="The provider's page, to be opened in the browser within ten minutes."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class ChannelSyncPayload:
    sync: ChannelSync | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


async def problem_of(context: Context, channel: str) -> str | None:
    """Return what is wrong with the channel's own work in the store."""
    return (await context.batch(_work_problems).load(context.store_id)).get(channel)


async def sync_of(context: Context, channel: str) -> ChannelSync | None:
    row = (await context.batch(_syncs).load(context.store_id)).get(channel)
    return None if row is None else ChannelSync(channel=channel, row=row)


async def _work_problems(context: Context, store_ids: list[int]) -> list[Mapping[str, str]]:
    async with context.database.read() as tx:
        return [await periodic.problems(tx, store_id) for store_id in store_ids]


async def _syncs(context: Context, store_ids: list[int]) -> list[Mapping[str, syncs.ChannelSync]]:
    async with context.database.read() as tx:
        return [await syncs.by_channel(tx, store_id) for store_id in store_ids]


async def _synced_lists(context: Context, channels: list[str]) -> list[Sequence[SyncedRow]]:
    async with context.database.read() as tx:
        rows = await syncs.lists_of(tx, context.store_id, channels)
    return [[row for row in rows if row.channel == channel and row.synced_at is not None] for channel in channels]


async def _observe_sync(context: Context, tx: Transaction, arguments: Mapping[str, Any]) -> Observed:
    key: str = arguments["key"]
    row = (await syncs.by_channel(tx, context.store_id)).get(key)
    return Observed(subject_of("Channel", key), None if row is None else {"sync": row.status.value})


@strawberry.type
class ConnectionMutation:
    @mutation(
        ChannelTestPayload,
        TokenScope.ADMIN,
        description="Ask the provider whose the stored settings are, and whether their sender may send.",
    )
    async def channel_test(self, context: Context, record: Record, key: str) -> ChannelTestPayload:
        payload = ChannelTestPayload()

        async def note(tx: Transaction, report: AccountReport) -> None:
            payload.account, payload.problems = report.account, list(report.problems)
            await record(tx, payload)

        await check_connection(context.services, context.store_id, key, note)
        return payload

    @mutation(
        ChannelConnectPayload,
        TokenScope.ADMIN,
        description=(
            "Connect an account at the provider's own page. Whoever allows it there comes back to returnUrl, and the "
            "channel is configured then. returnUrl is of an origin in MUSTER_ALLOWED_ORIGINS, or of the server's own."
        ),
    )
    async def channel_connect(
        self, context: Context, record: Record, key: str, return_url: str, settings: JSON | None = None
    ) -> ChannelConnectPayload:
        given = _given(settings)
        _check_return_url(context, return_url)
        services, store_id = context.services, context.store_id
        authorization_id, url = await authorizations.begin(services, store_id, key, given)
        payload = ChannelConnectPayload(authorization_url=url)

        async def store(tx: Transaction) -> None:
            await authorizations.store(tx, services, store_id, authorization_id, key, given, return_url)
            await record(tx, payload)

        await write(context.database, store)
        return payload

    @mutation(
        ChannelSyncPayload,
        TokenScope.ADMIN,
        description="Hand the latest list of each segment over to the provider, anew where it has it already.",
        observe=_observe_sync,
    )
    async def channel_sync(self, context: Context, tx: Transaction, key: str) -> ChannelSyncPayload:
        check_ability(context.services, key, "audience_sync", "keeps no audiences: it is handed recipients as it sends")
        await sync.request(tx, context.services, context.store_id, key)
        row = (await syncs.by_channel(tx, context.store_id))[key]
        return ChannelSyncPayload(sync=ChannelSync(channel=key, row=row))


def _given(settings: object) -> dict[str, Any]:
    """Return the settings that a client has sent. Raise DomainError."""
    if settings is not None and not isinstance(settings, dict):
        raise DomainError("Settings are an object, as settingsSchema says", field=("settings",))
    given = cast("dict[str, Any]", settings or {})
    SETTINGS_BOUNDS.check(given, ("settings",))
    return given


def _check_return_url(context: Context, url: str) -> None:
    """Raise DomainError unless it leads to a page that is known: anything else would be an open redirect."""
    own = _origin(context.services.public_url)
    allowed = {own, *context.services.allowed_origins}
    if not url.isprintable() or " " in url or "\\" in url or _origin(url) not in allowed:
        message = f"returnUrl is not of an origin that MUSTER_ALLOWED_ORIGINS allows, nor of {own}"
        raise DomainError(message, field=("returnUrl",))


def _origin(url: str) -> str | None:
    """Return the origin of an address of the web; None of anything else, and of one with a user's name."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises for one that is none
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc.lower()}"
