"""Whose token a request brings."""

from collections import OrderedDict
from time import monotonic
from uuid import UUID

from starlette.requests import HTTPConnection

from domain.kit.clock import Clock
from domain.kit.db import Database
from domain.stores import queries
from domain.stores.model import Principal, token_hash

_NOTED_EVERY = 60.0
_NOTED_AT_MOST = 10_000


class TokenAuthenticator:
    """Looks every token up anew, so that a revoked one ends at once; that it was used is noted once a minute."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: OrderedDict[UUID, float] = OrderedDict()

    async def authenticate(self, connection: HTTPConnection) -> Principal | None:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        hashed = token_hash(token.strip()) if scheme.lower() == "bearer" else None
        if hashed is None:
            return None
        async with self._database.read() as tx:
            principal = await queries.principal(tx, hashed, self._clock())
        if principal is not None:
            await self._note(principal)
        return principal

    async def _note(self, principal: Principal) -> None:
        last = self._noted.get(principal.token_id)
        if last is not None and monotonic() - last < _NOTED_EVERY:
            return
        self._noted[principal.token_id] = monotonic()
        self._noted.move_to_end(principal.token_id)
        if len(self._noted) > _NOTED_AT_MOST:
            self._noted.popitem(last=False)
        async with self._database.write() as tx:
            await queries.record_use(tx, principal.store.id, principal.token_id, self._clock())
