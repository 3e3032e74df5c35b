"""Entries of the audit log: small, and without a value that identifies a customer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import orjson

# Bytes of a part of an entry; of a larger one the names alone are recorded.
_MOST_BYTES = 8_000
_MOST_CODES = 10
# What stands for a text that is not recorded.
HIDDEN = "(not recorded)"

Values = Mapping[str, object]


class ActorKind(StrEnum):
    TOKEN = "TOKEN"  # noqa: S105 - a kind of actor
    COMMAND_LINE = "COMMAND_LINE"
    LINK = "LINK"


class AuditOutcome(StrEnum):
    DONE = "DONE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts: a token, by its name and id; a user of the machine; or whoever has a signed link."""

    kind: ActorKind
    name: str | None = None
    token_id: UUID | None = None
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditSubject:
    """The object that an action is about: a type of the API, and its number, UUID or key."""

    type: str
    key: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An action: what was asked, what it changed, or the codes of the rules that refused it."""

    actor: Actor
    action: str
    outcome: AuditOutcome = AuditOutcome.DONE
    subject: AuditSubject | None = None
    asked: Values = field(default_factory=dict[str, object])
    before: Values | None = None
    after: Values | None = None
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry as it is read."""

    id: UUID
    at: datetime
    entry: AuditEntry


def difference(before: Values | None, after: Values | None) -> tuple[Values | None, Values | None]:
    """Return the values that differ, as they were and as they are; None for an object that was or is not there."""
    if before is None or after is None:
        return bounded(before), bounded(after)
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        bounded({name: before.get(name) for name in changed}),
        bounded({name: after.get(name) for name in changed}),
    )


def bounded(values: Values | None) -> Values | None:
    """Return the values; their names alone when they are too large to be kept with every change."""
    if values is None or len(orjson.dumps(values)) <= _MOST_BYTES:
        return values
    return dict.fromkeys(list(values)[:100], "(too large to be recorded)")


def bounded_codes(codes: Mapping[str, None]) -> tuple[str, ...]:
    return tuple(codes)[:_MOST_CODES]
