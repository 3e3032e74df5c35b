"""Changes of a store's settings and tokens."""

from datetime import datetime
from uuid import UUID

from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, NotFound
from domain.stores import queries
from domain.stores.model import (
    MOST_TOKENS,
    ApiToken,
    Store,
    StoreChange,
    TokenDraft,
    apply_change,
    new_token,
    token_hash,
)


async def update(tx: Transaction, store_id: int, change: StoreChange) -> tuple[Store, Store]:
    """Change the store. Return it as it was before and as it is now. Raise DomainErrors when a value is refused."""
    before = await queries.lock(tx, store_id)
    if before is None:
        raise NotFound("There is no such store")
    after = apply_change(before, change)
    await queries.update_store(tx, after)
    return before, after


async def create_token(tx: Transaction, store_id: int, draft: TokenDraft, now: datetime) -> tuple[ApiToken, str]:
    """Add a token to the store. Return it, and its secret, which nothing can show again.

    Raise DomainError when the store has as many as can be listed.
    """
    if await queries.lock(tx, store_id) is None:
        raise NotFound("There is no such store")
    if await queries.count_tokens(tx, store_id) >= MOST_TOKENS:
        message = f"The store has {MOST_TOKENS} tokens: revoke one that is not used"
        raise DomainError(message, code=ErrorCode.LIMIT_EXCEEDED)
    secret = new_token(store_id)
    hashed = token_hash(secret)
    assert hashed is not None
    token_id = await queries.add_token(tx, store_id, draft.name, hashed, draft.scopes, now, draft.expires_at)
    return ApiToken(token_id, draft.name, draft.scopes, now, draft.expires_at, None), secret


async def revoke_token(tx: Transaction, store_id: int, token_id: UUID, now: datetime) -> ApiToken:
    """Revoke the token, and return it as it was. Raise NotFound when there is none that is not revoked yet."""
    token = (await queries.tokens_by_id(tx, store_id, [token_id])).get(token_id)
    if token is None or not await queries.revoke_token(tx, store_id, token_id, now):
        raise NotFound("There is no such token", field=("id",))
    return token
