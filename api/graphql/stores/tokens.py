"""API tokens of the store, and the one that a request has come with."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api.graphql.kit.access import asks
from api.graphql.kit.context import Context, Info
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode, require_uuid
from api.graphql.kit.mutation import mutation
from api.graphql.kit.nodes import Node
from api.graphql.stores.types import Store
from domain.kit.db import Transaction
from domain.stores import actions, model, queries
from domain.stores.model import TokenScope


@strawberry.type(description="A program's credential, which it sends as `Authorization: Bearer TOKEN`.")
class ApiToken(Node):
    row: strawberry.Private[model.ApiToken]

    id: strawberry.ID = derived(lambda self: encode("ApiToken", self.row.id))
    name: str = derived(lambda self: self.row.name)
    scopes: list[str] = derived(
        lambda self: _names(self.row.scopes), description='"read", "write", "send", "rewards", "admin".'
    )
    created_at: datetime = derived(lambda self: self.row.created_at)
    expires_at: datetime | None = derived(
        lambda self: self.row.expires_at, description="It is refused from then on; null when it does not expire."
    )
    last_used_at: datetime | None = derived(lambda self: self.row.last_used_at, description="To a minute.")

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[UUID]) -> dict[UUID, model.ApiToken]:
        return await queries.tokens_by_id(tx, store_id, keys)

    @classmethod
    def recorded(cls, row: model.ApiToken) -> Mapping[str, object]:
        return row.recorded()

    @classmethod
    async def load_row(cls, context: Context, key: Any) -> model.ApiToken | None:
        """Return the row, None for a caller who may not see tokens."""
        return await super().load_row(context, key) if context.principal.may(TokenScope.ADMIN) else None


@strawberry.type(description="The caller: its own token and what that may do.")
class Viewer:
    token: ApiToken
    scopes: list[str]
    store: Store


@strawberry.type
class ApiTokenPayload:
    api_token: ApiToken | None = None
    token: str | None = strawberry.field(
        default=None, description="The token itself: it is answered this once, and cannot be shown again."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class ApiTokenRevokePayload:
    revoked_id: strawberry.ID | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class TokenQuery:
    @strawberry.field(description="The caller. Every token may ask this.")
    async def viewer(self, info: Info) -> Viewer:
        context = info.context
        row = await context.load(queries.tokens_by_id, context.principal.token_id)
        return Viewer(
            token=ApiToken(row=row), scopes=_names(context.principal.scopes), store=Store(row=context.principal.store)
        )

    @strawberry.field(
        metadata=asks(TokenScope.ADMIN),
        description=f"Those that are not revoked, expired ones too, the newest first; {model.MOST_TOKENS} at most.",
    )
    async def api_tokens(self, info: Info) -> list[ApiToken]:
        context = info.context
        async with context.database.read() as tx:
            return [ApiToken(row=row) for row in await queries.tokens(tx, context.store_id)]


@strawberry.type
class TokenMutation:
    @mutation(
        ApiTokenPayload,
        TokenScope.ADMIN,
        description="With scopes of the caller's own. It does not expire unless `expiresAt` is given.",
    )
    async def api_token_create(
        self, context: Context, tx: Transaction, name: str, scopes: list[str], expires_at: datetime | None = None
    ) -> ApiTokenPayload:
        draft = model.draft_token(name, scopes, expires_at, context.now, creator=context.principal)
        row, secret = await actions.create_token(tx, context.store_id, draft, context.now)
        return ApiTokenPayload(api_token=ApiToken(row=row), token=secret)

    @mutation(
        ApiTokenRevokePayload,
        TokenScope.ADMIN,
        description="For good. It is refused at once, and its open connections end within two seconds.",
    )
    async def api_token_revoke(self, context: Context, tx: Transaction, id: strawberry.ID) -> ApiTokenRevokePayload:
        token_id = require_uuid(id, "ApiToken", noun="token")
        await actions.revoke_token(tx, context.store_id, token_id, context.now)
        return ApiTokenRevokePayload(revoked_id=id)


def _names(scopes: frozenset[TokenScope]) -> list[str]:
    """Return the scopes in the order in which they are documented."""
    return [scope.value for scope in TokenScope if scope in scopes]
