"""Inputs of campaigns."""

from collections.abc import Sequence
from typing import cast

import strawberry

from api.graphql.kit import global_ids
from api.graphql.kit.enums import expose
from api.graphql.kit.scalars import JSON
from domain.campaigns.actions import CampaignDraft
from domain.campaigns.model import Utm
from domain.campaigns.target import Target
from domain.deliveries.model import AcceptMarketing
from domain.kit.errors import DomainError, NotFound

expose(
    AcceptMarketing,
    {
        AcceptMarketing.ACCEPTED_ONLY: "Customers who accept marketing on the channel.",
        AcceptMarketing.ALL_BUT_UNSUBSCRIBED: "Everyone with an address, except customers who unsubscribed.",
    },
)


@strawberry.input(
    one_of=True,
    description=(
        "A list; or a segment, for its latest list (for a static segment, its members now). Locked when it is chosen."
    ),
)
class TargetInput:
    list_id: strawberry.Maybe[strawberry.ID]
    segment_id: strawberry.Maybe[strawberry.ID]

    def target(self) -> Target:
        """Return the target. Raise NotFound for an ID of another type."""
        list_id = None if self.list_id is None else global_ids.uuid(self.list_id.value, "CustomerList")
        segment_id = None if self.segment_id is None else global_ids.uuid(self.segment_id.value, "Segment")
        if list_id or segment_id:
            return Target(list_id, segment_id)
        if self.list_id is not None:
            raise NotFound("There is no such list", field=("listId",))
        raise NotFound("There is no such segment", field=("segmentId",))


@strawberry.input
class UtmInput:
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None


@strawberry.input
class CampaignInput:
    name: str | None = None
    channel: str | None = None
    target: TargetInput | None = None
    exclude: list[TargetInput] | None = strawberry.field(
        default=None, description="Lists and segments whose customers are excluded."
    )
    accept_marketing: AcceptMarketing | None = None
    content: JSON | None = None
    utm: UtmInput | None = None

    def draft(self) -> CampaignDraft:
        """Return the draft. Raise DomainError for content that is no object, or a target that cannot be."""
        target, exclude = target_of(self.target, "target"), targets_of(self.exclude)
        content = cast("object", self.content)
        if content is not None and not isinstance(content, dict):
            raise DomainError("The content is an object, as the channel's contentSchema says", field=("content",))
        return CampaignDraft(
            name=self.name,
            channel=self.channel,
            target=target,
            exclude=exclude,
            accept_marketing=self.accept_marketing,
            content=cast("dict[str, object] | None", self.content),
            utm=None if self.utm is None else Utm(self.utm.source, self.utm.medium, self.utm.campaign),
        )


def target_of(target: TargetInput | None, *path: str | int) -> Target | None:
    if target is None:
        return None
    try:
        return target.target()
    except DomainError as error:
        raise error.under(*path) from None


def targets_of(targets: Sequence[TargetInput] | None) -> list[Target] | None:
    if targets is None:
        return None
    checked = (target_of(target, "exclude", position) for position, target in enumerate(targets))
    return [target for target in checked if target is not None]
