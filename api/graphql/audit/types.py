"""The audit log, as the store's administrators read it."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import strawberry

from api.graphql.kit import global_ids, pages
from api.graphql.kit.access import asks
from api.graphql.kit.audited import subject_of
from api.graphql.kit.connection import Connection, Page, empty_connection
from api.graphql.kit.context import Info
from api.graphql.kit.enums import expose
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.keyset import Ordering, SortKey
from api.graphql.kit.scalars import JSON
from domain.audit import model, queries
from domain.audit.model import ActorKind, AuditOutcome, AuditSubject
from domain.audit.queries import AuditFilter
from domain.audit.tables import audit_entries
from domain.kit.db import AnyRow
from domain.stores.model import TokenScope

expose(
    ActorKind,
    {
        ActorKind.TOKEN: "A token of the API: `actorName` is its name.",
        ActorKind.COMMAND_LINE: "A command of `muster`: `actorName` is the user of the machine.",
        ActorKind.LINK: "Whoever has a signed link.",
    },
    name="AuditActor",
)
expose(AuditOutcome, {AuditOutcome.REFUSED: "Nothing was changed: `codes` say why."})

_NEWEST = Ordering(
    "audit.newest",
    (SortKey(audit_entries.c.at, datetime, descending=True), SortKey(audit_entries.c.id, UUID, descending=True)),
)
# Types of objects that have no global ID: their key is the ID.
_BY_KEY = ("Channel", "Dimension", "Property", "Lifecycle")


@strawberry.type(
    description="An action of somebody: who, when, from where, what was asked and what it changed. Entries never "
    "change. Of customers no values are recorded that identify them."
)
class AuditEntry:
    asks: ClassVar = TokenScope.ADMIN

    row: strawberry.Private[model.RecordedEntry]

    id: strawberry.ID = derived(lambda self: encode("AuditEntry", self.row.id))
    at: datetime = derived(lambda self: self.row.at, description="By the database's clock.")
    action: str = derived(
        lambda self: self.row.entry.action,
        description='The mutation, or "signIn", "fileDownload", "storeCreate", "campaignsResume".',
    )
    outcome: AuditOutcome = derived(lambda self: self.row.entry.outcome)
    codes: list[str] = derived(
        lambda self: self.row.entry.codes,
        description="Of a refusal: those of the user errors, FORBIDDEN, or EXPIRED or REVOKED of a token.",
    )
    actor: ActorKind = derived(lambda self: self.row.entry.actor.kind)
    actor_name: str | None = derived(lambda self: self.row.entry.actor.name, description="As it was then.")
    token_id: strawberry.ID | None = derived(
        lambda self: (
            None if self.row.entry.actor.token_id is None else encode("ApiToken", self.row.entry.actor.token_id)
        )
    )
    address: str | None = derived(lambda self: self.row.entry.actor.address, description="The client's address.")
    request_id: str | None = derived(
        lambda self: self.row.entry.actor.request_id, description="The request's, by which the server's log names it."
    )
    subject_type: str | None = derived(lambda self: self.row.entry.subject and self.row.entry.subject.type)
    subject_id: strawberry.ID | None = derived(
        lambda self: _subject_id(self.row.entry.subject),
        description="The object's ID; the key of a channel, a property definition or a dimension.",
    )
    asked: JSON = derived(
        lambda self: self.row.entry.asked,
        description="The arguments: IDs, numbers, choices and times, the names of the fields that were given, and how "
        "many there were; no other texts.",
    )
    before: JSON | None = derived(
        lambda self: self.row.entry.before, description="What was changed, as it was; null for a new object."
    )
    after: JSON | None = derived(
        lambda self: self.row.entry.after,
        description="What was changed, as it is now, and the counts that were answered; null for a deleted object.",
    )


@strawberry.type
class AuditQuery:
    @strawberry.field(
        metadata=asks(TokenScope.ADMIN),
        description="The newest first. `subjectId` is an object's ID, or a key. From `from` on, up to `to`.",
    )
    async def audit_log(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        action: str | None = None,
        token_id: strawberry.ID | None = None,
        subject_id: strawberry.ID | None = None,
        from_: Annotated[datetime | None, strawberry.argument(name="from")] = None,
        to: datetime | None = None,
    ) -> Connection[AuditEntry]:
        context, page = info.context, Page.of(first, after, last, before)
        token = None if token_id is None else global_ids.uuid(token_id, "ApiToken")
        if token_id is not None and token is None:
            return empty_connection()
        wanted = AuditFilter(action, token, _subject(subject_id), from_, to)
        return await pages.connect(context, queries.page(context.store_id, wanted), _NEWEST, page, _entry)


def _entry(row: AnyRow) -> AuditEntry:
    return AuditEntry(row=queries.recorded(row))


def _subject_id(subject: AuditSubject | None) -> str | None:
    if subject is None:
        return None
    if subject.type in _BY_KEY:
        return subject.key
    return encode(subject.type, subject.key)


def _subject(subject_id: strawberry.ID | None) -> tuple[AuditSubject, ...]:
    """Return what the ID may name: an object, or things that have the text as their key."""
    if subject_id is None:
        return ()
    gid = global_ids.decode(subject_id)
    if gid is not None:
        return (subject_of(gid.type, gid.key),)
    return tuple(AuditSubject(type_name, subject_id) for type_name in _BY_KEY)
