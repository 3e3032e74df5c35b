"""What is done with campaigns: drawn up, changed, sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from muster_sdk import ContentInvalid, TemplateInvalid, Templates
from pydantic import ValidationError

from domain.campaigns import launch, queries
from domain.campaigns.audience import audience_of
from domain.campaigns.model import (
    Campaign,
    CampaignStatus,
    NoRecipients,
    Utm,
    check_editable,
    check_name,
    check_sendable,
    check_time,
    check_utm,
)
from domain.campaigns.target import Target, aimed_at, target_list
from domain.deliveries import queries as deliveries
from domain.deliveries.channels import ConfiguredChannel, FindChannel, prepare
from domain.deliveries.model import NOBODY, AcceptMarketing, Reach
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, DomainErrors, ErrorCode, ErrorCollector, NotFound
from domain.lists import queries as lists
from domain.lists.model import CustomerList, check_usable
from domain.segments.model import Segment
from domain.stores import queries as stores


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """What a campaign is to be; None keeps what is there, or takes the default."""

    name: str | None = None
    channel: str | None = None
    target: Target | None = None
    exclude: Sequence[Target] | None = None
    accept_marketing: AcceptMarketing | None = None
    content: Mapping[str, object] | None = None
    utm: Utm | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What campaigns are drawn up with."""

    store_id: int
    now: datetime
    templates: Templates
    find_channel: FindChannel


async def create(tx: Transaction, desk: Desk, draft: CampaignDraft) -> Campaign:
    """A draft; refused with every fault at once, their paths into the draft."""
    missing = [name for name in ("name", "channel", "target", "content") if getattr(draft, name) is None]
    if missing:
        said = (DomainError(f"a campaign needs a {name}", field=(name,), code=ErrorCode.REQUIRED) for name in missing)
        raise DomainErrors(said)
    campaign = await _drawn(tx, desk, _blank(desk), draft)
    await queries.add(tx, campaign)
    return campaign


async def update(tx: Transaction, desk: Desk, campaign_id: UUID, draft: CampaignDraft) -> Campaign:
    campaign = await _locked(tx, desk.store_id, campaign_id)
    check_editable(campaign.status)
    changed = await _drawn(tx, desk, campaign, draft)
    await queries.replace(tx, changed)
    return changed


async def send(
    tx: Transaction, desk: Desk, campaign_id: UUID, at: datetime | None = None, key: str | None = None
) -> Campaign:
    """Start the campaign at a time to come, or now. The same idempotency key again answers what the first did."""
    request = sha256(f"campaignSend {campaign_id} {at and at.isoformat()}".encode()).digest()
    if key is not None and await stores.is_repeated(tx, desk.store_id, key, request, campaign_id, desk.now):
        return await _locked(tx, desk.store_id, campaign_id)
    campaign = await _locked(tx, desk.store_id, campaign_id)
    check_sendable(campaign.status)
    at = check_time(at, desk.now)
    await _check_ready(tx, desk, campaign)
    if at is None:
        sent = replace(campaign, status=CampaignStatus.SENDING, scheduled_at=None, started_at=desk.now)
    else:
        sent = replace(campaign, status=CampaignStatus.SCHEDULED, scheduled_at=at)
    await queries.replace(tx, sent)
    if at is None:
        await launch.start(tx, desk.store_id, campaign_id)
    return sent


async def forecast(tx: Transaction, desk: Desk, draft: CampaignDraft) -> Reach:
    """Whom a broadcast would get to that is not drawn up yet; nothing is written for it."""
    campaign = _through(_blank(desk), draft)
    configured = await _channel(tx, desk, campaign.channel)
    if draft.target is None:
        return NOBODY
    target = await _target(tx, desk, draft.target, "target")
    left_out = [await _target(tx, desk, each, "exclude", place) for place, each in enumerate(draft.exclude or ())]
    campaign = replace(campaign, list_id=target.id, exclude=tuple(each.id for each in left_out))
    picked = frozenset(each.id for each in (target, *left_out) if isinstance(each, Segment))
    return await deliveries.reach(tx, replace(audience_of(campaign, configured.channel), picked=picked))


async def reach(tx: Transaction, desk: Desk, campaign: Campaign) -> Reach:
    """Whom the campaign gets to, if it is sent now."""
    configured = await _channel(tx, desk, campaign.channel)
    if campaign.list_id is None:
        return NOBODY
    return await deliveries.reach(tx, audience_of(campaign, configured.channel))


async def reach_each(tx: Transaction, desk: Desk, campaigns: Sequence[Campaign]) -> list[Reach | DomainError]:
    """Whom each of several campaigns gets to, in one statement; or what keeps it from being told."""
    channels = await channels_of(tx, desk, campaigns)
    audiences = {
        campaign.id: audience_of(campaign, found.channel)
        for campaign in campaigns
        if isinstance(found := channels[campaign.channel], ConfiguredChannel) and campaign.list_id is not None
    }
    reached = await deliveries.reach_each(tx, list(audiences.values())) if audiences else []
    known = dict(zip(audiences, reached, strict=True))
    return [
        found if isinstance(found := channels[campaign.channel], DomainError) else known.get(campaign.id, NOBODY)
        for campaign in campaigns
    ]


async def channels_of(
    tx: Transaction, desk: Desk, campaigns: Sequence[Campaign]
) -> Mapping[str, ConfiguredChannel | DomainError]:
    found: dict[str, ConfiguredChannel | DomainError] = {}
    for key in {campaign.channel for campaign in campaigns}:
        try:
            found[key] = await _channel(tx, desk, key)
        except DomainError as error:
            found[key] = error
    return found


def _blank(desk: Desk) -> Campaign:
    return Campaign(
        store_id=desk.store_id,
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
        created_at=desk.now,
        scheduled_at=None,
        started_at=None,
        finished_at=None,
        problem=None,
    )


async def _check_ready(tx: Transaction, desk: Desk, campaign: Campaign) -> None:
    listed = campaign.list_id and await lists.by_id(tx, desk.store_id, campaign.list_id)
    if not listed:
        raise DomainError("its list was deleted: choose another", field=("id",), code=ErrorCode.INVALID_STATE)
    try:
        check_usable(listed, desk.now)
    except DomainError as error:
        raise DomainError(error.message, field=("id",), code=error.code) from None
    if not (await reach(tx, desk, campaign)).recipients:
        raise NoRecipients


async def _drawn(tx: Transaction, desk: Desk, campaign: Campaign, draft: CampaignDraft) -> Campaign:
    """The campaign with the draft's changes, checked as a whole."""
    errors = ErrorCollector()
    campaign = _through(campaign, draft)
    with errors.under():
        if draft.name is not None:
            campaign = replace(campaign, name=check_name(draft.name))
    with errors.under():
        campaign = await _aimed(tx, desk, campaign, draft)
    with errors.under():
        campaign = replace(campaign, utm=check_utm(draft.utm or campaign.utm))
    campaign = replace(campaign, content=campaign.content if draft.content is None else draft.content)
    with errors.under():
        check_content(await _channel(tx, desk, campaign.channel), campaign.content, desk.templates)
    errors.raise_any()
    return campaign


def _through(campaign: Campaign, draft: CampaignDraft) -> Campaign:
    return replace(
        campaign,
        channel=draft.channel or campaign.channel,
        accept_marketing=draft.accept_marketing or campaign.accept_marketing,
    )


async def _aimed(tx: Transaction, desk: Desk, campaign: Campaign, draft: CampaignDraft) -> Campaign:
    if draft.target is not None:
        found = await _locked_to(tx, desk, draft.target, "target")
        campaign = replace(campaign, list_id=found.id, target_name=found.name)
    if draft.exclude is None:
        return campaign
    left_out = [await _locked_to(tx, desk, target, "exclude", place) for place, target in enumerate(draft.exclude)]
    return replace(campaign, exclude=tuple(listed.id for listed in left_out))


async def _locked_to(tx: Transaction, desk: Desk, target: Target, *path: str | int) -> CustomerList:
    try:
        return await target_list(tx, desk.store_id, target, desk.now)
    except DomainError as error:
        raise error.under(*path) from None


async def _target(tx: Transaction, desk: Desk, target: Target, *path: str | int) -> CustomerList | Segment:
    try:
        return await aimed_at(tx, desk.store_id, target, desk.now)
    except DomainError as error:
        raise error.under(*path) from None


async def _channel(tx: Transaction, desk: Desk, key: str) -> ConfiguredChannel:
    configured = await desk.find_channel(tx, desk.store_id, key)
    if configured is None:
        raise DomainError(
            f"{key!r} is no channel of the store: install it with channelInstall",
            field=("channel",),
            code=ErrorCode.CHANNEL_UNAVAILABLE,
        )
    return configured


def check_content(configured: ConfiguredChannel, content: Mapping[str, object], templates: Templates) -> None:
    """Refuse what the channel's schema or its templates do not allow, each fault with its path."""
    try:
        prepare(configured, content, templates)
    except ValidationError as error:
        raise DomainErrors([_fault(fault["msg"], fault["loc"]) for fault in error.errors()]) from None
    except ContentInvalid as error:
        raise _fault(str(error), error.path) from None
    except TemplateInvalid as error:
        raise _fault(str(error), ()) from None


def _fault(message: str, path: Sequence[str | int]) -> DomainError:
    return DomainError(message, field=("content", *path))


async def _locked(tx: Transaction, store_id: int, campaign_id: UUID) -> Campaign:
    campaign = await queries.lock(tx, store_id, campaign_id)
    if campaign is None:
        raise NotFound("no such campaign", field=("id",))
    return campaign
