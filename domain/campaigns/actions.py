"""Campaigns are created, changed and sent."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TypeVar
from uuid import UUID

from domain.campaigns import launch, queries
from domain.campaigns.audience import audience_of
from domain.campaigns.content import CONTENT_BOUNDS, Verdict, judge
from domain.campaigns.model import (
    Campaign,
    CampaignStatus,
    NoRecipients,
    Utm,
    WrongState,
    check_editable,
    check_name,
    check_sendable,
    check_time,
    check_utm,
)
from domain.campaigns.target import Target, resolve, resolve_to_list
from domain.deliveries import queries as deliveries
from domain.deliveries.model import NOBODY, AcceptMarketing, Reach
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, DomainErrors, ErrorCode, ErrorCollector, NotFound
from domain.lists import queries as lists
from domain.lists.model import check_usable
from domain.segments.model import Segment
from domain.services import Services
from domain.stores import queries as stores
from domain.stores.channels import ConfiguredChannel

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """A campaign's fields as they are to be; None leaves one as it is, or takes the default."""

    name: str | None = None
    channel: str | None = None
    target: Target | None = None
    exclude: Sequence[Target] | None = None
    accept_marketing: AcceptMarketing | None = None
    content: Mapping[str, object] | None = None
    utm: Utm | None = None


async def judge_draft(
    services: Services, store_id: int, draft: CampaignDraft, campaign_id: UUID | None = None
) -> Verdict | None:
    """Return what its channel says of a campaign's content, as the draft has it; None where it cannot be asked."""
    async with services.database.read() as tx:
        campaign = None if campaign_id is None else await queries.by_id(tx, store_id, campaign_id)
        campaign = campaign or _blank(store_id, services.clock())
        content = campaign.content if draft.content is None else draft.content
        try:
            CONTENT_BOUNDS.check(content, ("content",))
            configured = await _channel(tx, services, store_id, draft.channel or campaign.channel)
        except DomainError:
            return None
    return await judge(services, configured, content)


async def create(
    tx: Transaction, services: Services, store_id: int, draft: CampaignDraft, verdict: Verdict | None = None
) -> Campaign:
    """Add a campaign, and return it. Raise DomainErrors with every error at once, their paths into the draft.

    `verdict`: that on the draft; without it, the channel is asked now.
    """
    missing = [name for name in ("name", "channel", "target", "content") if getattr(draft, name) is None]
    if missing:
        raise DomainErrors(
            DomainError(f"A campaign needs a {name}", field=(name,), code=ErrorCode.REQUIRED) for name in missing
        )
    now = services.clock()
    campaign = await _apply(tx, services, _blank(store_id, now), draft, verdict)
    await queries.add(tx, campaign)
    return campaign


async def update(
    tx: Transaction,
    services: Services,
    store_id: int,
    campaign_id: UUID,
    draft: CampaignDraft,
    verdict: Verdict | None = None,
) -> Campaign:
    """Change a campaign, and return it. Raise WrongState once it is sent, DomainErrors for what is wrong."""
    campaign = await _lock(tx, store_id, campaign_id)
    check_editable(campaign.status)
    changed = await _apply(tx, services, campaign, draft, verdict)
    await queries.replace(tx, changed)
    return changed


async def send(
    tx: Transaction,
    services: Services,
    store_id: int,
    campaign_id: UUID,
    at: datetime | None = None,
    key: str | None = None,
) -> Campaign:
    """Start the campaign at a time to come, or now, and return it. A second call with the same key changes nothing.

    Raise WrongState when it was sent, NoRecipients when nobody would get it, DomainError for a time that is over or a
    list that cannot be used.
    """
    now = services.clock()
    request = sha256(f"campaignSend {campaign_id} {at and at.isoformat()}".encode()).digest()
    if key is not None and await stores.is_repeated(tx, store_id, key, request, campaign_id, now):
        return await _lock(tx, store_id, campaign_id)
    campaign = await _lock(tx, store_id, campaign_id)
    check_sendable(campaign.status)
    if (held := await services.continuity.held_everywhere(tx)) is not None:
        raise WrongState(held, field=("id",))
    at = check_time(at, now)
    customer_list = campaign.list_id and await lists.by_id(tx, store_id, campaign.list_id)
    if not customer_list:
        raise DomainError("Its list was deleted: choose another", field=("id",), code=ErrorCode.INVALID_STATE)
    try:
        check_usable(customer_list, now)
    except DomainError as error:
        raise DomainError(error.message, field=("id",), code=error.code) from None
    configured = await _channel(tx, services, store_id, campaign.channel)
    if not (await deliveries.reach(tx, audience_of(campaign, configured.channel))).recipients:
        raise NoRecipients
    if at is None:
        sent = replace(campaign, status=CampaignStatus.SENDING, scheduled_at=None, started_at=now)
    else:
        sent = replace(campaign, status=CampaignStatus.SCHEDULED, scheduled_at=at)
    await queries.replace(tx, sent)
    if at is None:
        await launch.start(tx, store_id, campaign_id)
    return sent


async def forecast(tx: Transaction, services: Services, store_id: int, draft: CampaignDraft) -> Reach:
    """Return the reach of a campaign that is not created yet; nothing is written for it."""
    now = services.clock()
    blank = _blank(store_id, now)
    campaign = replace(
        blank,
        channel=draft.channel or blank.channel,
        accept_marketing=draft.accept_marketing or blank.accept_marketing,
    )
    configured = await _channel(tx, services, store_id, campaign.channel)
    if draft.target is None:
        return NOBODY
    target = await _under(("target",), resolve(tx, store_id, draft.target, now))
    excluded = [
        await _under(("exclude", index), resolve(tx, store_id, target, now))
        for index, target in enumerate(draft.exclude or ())
    ]
    campaign = replace(campaign, list_id=target.id, exclude=tuple(source.id for source in excluded))
    segment_ids = frozenset(source.id for source in (target, *excluded) if isinstance(source, Segment))
    audience = replace(audience_of(campaign, configured.channel), static_segments=segment_ids)
    return await deliveries.reach(tx, audience)


async def reach_each(
    tx: Transaction, services: Services, store_id: int, campaigns: Sequence[Campaign]
) -> list[Reach | DomainError]:
    """Return the reach of each campaign if it is sent now, by one statement; or why there is none."""
    channels = await channels_of(tx, services, store_id, campaigns)
    audiences = {
        campaign.id: audience_of(campaign, configured.channel)
        for campaign in campaigns
        if isinstance(configured := channels[campaign.channel], ConfiguredChannel) and campaign.list_id is not None
    }
    reaches = await deliveries.reach_each(tx, list(audiences.values())) if audiences else []
    reach_by_id = dict(zip(audiences, reaches, strict=True))
    return [
        error if isinstance(error := channels[campaign.channel], DomainError) else reach_by_id.get(campaign.id, NOBODY)
        for campaign in campaigns
    ]


async def channels_of(
    tx: Transaction, services: Services, store_id: int, campaigns: Sequence[Campaign]
) -> Mapping[str, ConfiguredChannel | DomainError]:
    """Return the channels of the campaigns by their keys, or why one cannot be used."""
    channels: dict[str, ConfiguredChannel | DomainError] = {}
    for key in {campaign.channel for campaign in campaigns}:
        try:
            channels[key] = await _channel(tx, services, store_id, key)
        except DomainError as error:
            channels[key] = error
    return channels


def _blank(store_id: int, now: datetime) -> Campaign:
    return Campaign(
        store_id=store_id,
        id=ids.new(),
        name="",
        channel="",
        status=CampaignStatus.DRAFT,
        list_id=None,
        target_name="",
        exclude=(),
        accept_marketing=AcceptMarketing.ACCEPTED_ONLY,
        content={},
        utm=Utm(),
        created_at=now,
        scheduled_at=None,
        started_at=None,
        finished_at=None,
        problem=None,
    )


async def _apply(
    tx: Transaction, services: Services, campaign: Campaign, draft: CampaignDraft, verdict: Verdict | None
) -> Campaign:
    """Return the campaign with the draft's changes. Raise DomainErrors with everything that is wrong with it."""
    store_id, errors, now = campaign.store_id, ErrorCollector(), services.clock()
    campaign = replace(
        campaign,
        channel=draft.channel or campaign.channel,
        accept_marketing=draft.accept_marketing or campaign.accept_marketing,
        content=campaign.content if draft.content is None else draft.content,
    )
    with errors.under():
        if draft.name is not None:
            campaign = replace(campaign, name=check_name(draft.name))
    with errors.under():
        if draft.target is not None:
            target = await _under(("target",), resolve_to_list(tx, store_id, draft.target, now))
            campaign = replace(campaign, list_id=target.id, target_name=target.name)
        if draft.exclude is not None:
            excluded = [
                await _under(("exclude", index), resolve_to_list(tx, store_id, source, now))
                for index, source in enumerate(draft.exclude)
            ]
            campaign = replace(campaign, exclude=tuple(customer_list.id for customer_list in excluded))
    with errors.under():
        campaign = replace(campaign, utm=check_utm(draft.utm or campaign.utm))
    with errors.under():
        CONTENT_BOUNDS.check(campaign.content, ("content",))
        configured = await _channel(tx, services, store_id, campaign.channel)
        if verdict is None or (verdict.channel, verdict.content) != (campaign.channel, campaign.content):
            # Another change came between.
            verdict = await judge(services, configured, campaign.content)
        if verdict.error is not None:
            raise verdict.error
    errors.raise_any()
    return campaign


async def _under(path: Sequence[str | int], result: Awaitable[T]) -> T:
    """Return the result. Raise its DomainError with the path before its own."""
    try:
        return await result
    except DomainError as error:
        raise error.under(*path) from None


async def _channel(tx: Transaction, services: Services, store_id: int, key: str) -> ConfiguredChannel:
    configured = await services.channels.find(tx, store_id, key)
    if configured is None:
        raise DomainError(
            f"{key!r} is no channel of the store: install it with channelInstall",
            field=("channel",),
            code=ErrorCode.CHANNEL_UNAVAILABLE,
        )
    return configured


async def _lock(tx: Transaction, store_id: int, campaign_id: UUID) -> Campaign:
    campaign = await queries.lock(tx, store_id, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign", field=("id",))
    return campaign
