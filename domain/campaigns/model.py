"""Campaigns, and the rules of their fields and states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.deliveries.model import AcceptMarketing
from domain.kit.errors import DomainError, ErrorCode

NAME_LENGTH = 100
UTM_LENGTH = 200


class CampaignStatus(StrEnum):
    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    STANDBY = "STANDBY"
    SENDING = "SENDING"
    PAUSED = "PAUSED"
    SENT = "SENT"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"

    @property
    def ended(self) -> bool:
        return self in {CampaignStatus.SENT, CampaignStatus.CANCELLED, CampaignStatus.FAILED}


EDITABLE = frozenset({CampaignStatus.DRAFT, CampaignStatus.SCHEDULED})
SENDABLE = EDITABLE


@dataclass(frozen=True, slots=True)
class Utm:
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    store_id: int
    id: UUID
    name: str
    channel: str
    status: CampaignStatus
    list_id: UUID | None
    target_name: str
    exclude: Sequence[UUID]
    accept_marketing: AcceptMarketing
    content: Mapping[str, object]
    utm: Utm
    created_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    problem: str | None


class WrongState(DomainError):
    """The campaign's state does not allow it."""

    code = ErrorCode.INVALID_STATE


class NoRecipients(DomainError):
    """Nobody is left after consent, addresses and exclusions (SL-41)."""

    code = ErrorCode.NO_RECIPIENTS

    def __init__(self) -> None:
        super().__init__("The actual number of recipient is 0, please select again", field=("id",))


def check_name(name: str | None) -> str:
    """Return the name without the space around it. Raise DomainError when there is none, or it cannot be shown."""
    if name is None or not name.strip():
        raise DomainError("A campaign needs a name", field=("name",), code=ErrorCode.REQUIRED)
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise DomainError(f"A name has {NAME_LENGTH} printable characters at most", field=("name",))
    return name.strip()


def check_utm(utm: Utm) -> Utm:
    for name, value in (("source", utm.source), ("medium", utm.medium), ("campaign", utm.campaign)):
        if value is not None and (len(value) > UTM_LENGTH or not value.isprintable()):
            raise DomainError(f"A UTM parameter has {UTM_LENGTH} printable characters at most", field=("utm", name))
    return utm


def check_editable(status: CampaignStatus) -> None:
    if status not in EDITABLE:
        raise WrongState(
            f"The campaign is {status.value}: only a DRAFT or a SCHEDULED one can be changed", field=("id",)
        )


def check_sendable(status: CampaignStatus) -> None:
    if status not in SENDABLE:
        raise WrongState(f"The campaign is {status.value}: only a DRAFT or a SCHEDULED one can be sent", field=("id",))


def check_time(at: datetime | None, now: datetime) -> datetime | None:
    """Return the time to start, None for now. Raise DomainError for a time that is over."""
    if at is not None and at < now:
        raise DomainError(f"{at.isoformat()} is over: give a time to come, or none to send now", field=("at",))
    return at


def ending_problem(recipients: int, failed: int, unknown: int, cause: str | None = None) -> str | None:
    """Return what a campaign that was sent says of messages that failed or are unknown; None without such.

    `cause` is the problem that it had until its end.
    """
    parts: list[str] = []
    if failed:
        parts.append(f"{failed} failed")
    if unknown:
        parts.append(f"of {unknown} it is unknown whether they arrived")
    if not parts:
        return None
    problem = f"Of {recipients} messages, {' and '.join(parts)}: its deliveries say why"
    return problem if cause is None else f"{problem}. {cause}"
