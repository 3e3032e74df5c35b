"""Requests carry API tokens; the token decides which store a request reads and writes."""

from collections import OrderedDict
from collections.abc import Collection
from time import monotonic
from uuid import UUID

from starlette.requests import HTTPConnection

from api.audit_trail import AuditTrail
from api.client_address import address_of
from api.database_errors import log_unavailable
from api.sign_in_throttle import SignInThrottle
from domain.kit.clock import Clock
from domain.kit.db import Database
from domain.stores import queries
from domain.stores.model import Principal, token_hash, token_store

_RECORD_EVERY = 60.0  # seconds
_MAX_REMEMBERED = 10_000  # tokens


class TokenAuthenticator:
    """Looks up the token of every request, so that a revoked token stops at once; records its use once a minute."""

    def __init__(self, database: Database, clock: Clock, audit: AuditTrail) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._throttle = SignInThrottle()
        self._recorded_at: OrderedDict[UUID, float] = OrderedDict()

    async def authenticate(self, connection: HTTPConnection) -> Principal | None:
        """Return the principal of the bearer token, or None without a valid token.

        Raise TooManyFailures for a token that is not valid, from an address that has sent too many of them.
        """
        authorization = connection.headers.get("authorization", "").strip()
        if not authorization:
            return None
        scheme, _, token = authorization.partition(" ")
        token, address = token.strip(), address_of(connection)
        # A typing error is found by the checksum, without a look-up.
        hashed = token_hash(token) if scheme.lower() == "bearer" else None
        if hashed is None:
            self._throttle.fail(address)
            return None
        self._throttle.check(address, hashed)
        async with self._database.read() as tx:
            credential = await queries.credential(tx, token_store(token), hashed)
        if credential is None or not credential.is_valid(self._clock()):
            if credential is not None:
                code = "EXPIRED" if credential.revoked_at is None else "REVOKED"
                await self._audit.refuse_sign_in(credential.principal, address, code)
            self._throttle.fail(address, hashed)
            return None
        principal = credential.principal
        await self._audit.sign_in(principal, address)
        recorded_at = self._recorded_at.get(principal.token_id)
        if recorded_at is None or monotonic() - recorded_at >= _RECORD_EVERY:
            self._recorded_at[principal.token_id] = monotonic()
            self._recorded_at.move_to_end(principal.token_id)
            if len(self._recorded_at) > _MAX_REMEMBERED:
                self._recorded_at.popitem(last=False)
            await self._record_use(principal)
        return principal

    async def still_valid(self, principals: Collection[Principal]) -> Collection[Principal]:
        """Return those of the principals whose tokens are neither revoked nor expired, by one statement for all."""
        keys = {principal: (principal.store.id, principal.token_id) for principal in principals}
        async with self._database.read() as tx:
            valid = await queries.valid_tokens(tx, set(keys.values()), self._clock())
        return [principal for principal, key in keys.items() if key in valid]

    async def _record_use(self, principal: Principal) -> None:
        try:
            async with self._database.write() as tx:
                await queries.record_use(tx, principal.store.id, principal.token_id, self._clock())
        except Exception as error:
            # A request that reads does not fail because nothing can be written; the next minute's is recorded.
            if log_unavailable(error) is None:
                raise
