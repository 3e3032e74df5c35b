"""Entries of the audit log that belong to no change: refusals, sign-ins, downloads. Of a flood, a few are recorded."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from uuid import UUID

from structlog.contextvars import get_contextvars

from api.client_address import network_of
from api.database_errors import log_unavailable
from domain.audit import queries
from domain.audit.model import Actor, ActorKind, AuditEntry, AuditOutcome, AuditSubject
from domain.kit.db import Database, Transaction
from domain.stores.model import Principal

# Of a token that lacks a scope, as the API answers it.
FORBIDDEN = "FORBIDDEN"
_HOUR, _DAY = 3_600.0, 86_400.0
# Of equal entries of an hour; behind them the hundredth, the thousandth and so on.
_FIRST_OF_AN_HOUR = 10
_ADDRESSES_OF_A_DAY = 100
# Remembered at a time, the oldest forgotten first.
_MOST_KEYS = 10_000


def actor_of(principal: Principal, address: str | None) -> Actor:
    """Return the token as the actor of the current request."""
    request_id = get_contextvars().get("request_id")
    known_id = request_id if isinstance(request_id, str) else None
    return Actor(ActorKind.TOKEN, principal.token_name, principal.token_id, address, known_id)


@dataclass(slots=True)
class _Span:
    ends_at: float
    count: int = 0


class Thinning:
    """Counts what is equal within a time, and says which of it to record."""

    def __init__(self, first: int, seconds: float, timer: Callable[[], float] = monotonic) -> None:
        self._first = first
        self._seconds = seconds
        self._timer = timer
        self._windows: OrderedDict[Hashable, _Span] = OrderedDict()

    def count(self, key: Hashable) -> int | None:
        """Count one more. Return its number when it is to be recorded: the first ones, then each power of ten."""
        now = self._timer()
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            window = self._windows[key] = _Span(now + self._seconds)
            self._windows.move_to_end(key)
            if len(self._windows) > _MOST_KEYS:
                self._windows.popitem(last=False)
        window.count += 1
        is_power_of_ten = window.count == 10 ** (len(str(window.count)) - 1)
        return window.count if window.count <= self._first or is_power_of_ten else None


class AuditTrail:
    """Records what no transaction of a change records, each in one of its own.

    `before`: whether mutations read and record what an object was before them.
    """

    def __init__(self, database: Database, timer: Callable[[], float] = monotonic, *, before: bool = True) -> None:
        self.before = before
        self._database = database
        self._timer = timer
        self._repeated = Thinning(_FIRST_OF_AN_HOUR, _HOUR, timer)
        self._new_addresses = Thinning(_ADDRESSES_OF_A_DAY, _DAY, timer)
        self._signed_in: OrderedDict[tuple[UUID, str | None], float] = OrderedDict()

    async def refuse(self, store_id: int, entry: AuditEntry) -> None:
        """Record a refusal, unless it is one of many; the caller is refused whether or not it can be stored."""
        thinned = self._thinned(entry, (store_id, entry.actor.token_id, entry.action))
        if thinned is not None:
            await self._try_to_record(store_id, thinned)

    async def forbid(self, principal: Principal, address: str | None, mutations: Sequence[str]) -> None:
        """Record that a token lacks the scopes of these mutations, or of what they answer."""
        for action in mutations:
            entry = AuditEntry(actor_of(principal, address), action, AuditOutcome.REFUSED, codes=(FORBIDDEN,))
            await self.refuse(principal.store.id, entry)

    async def download(self, store_id: int, subject: AuditSubject, address: str | None) -> None:
        """Record that somebody has fetched a file by its link. Raise what the database raises: then nobody gets it."""
        entry = AuditEntry(Actor(ActorKind.LINK, address=address), "fileDownload", subject=subject)
        thinned = self._thinned(entry, (store_id, subject.key))
        if thinned is not None:
            async with self._database.write() as tx:
                await queries.record(tx, store_id, thinned)

    async def sign_in(self, principal: Principal, address: str | None) -> None:
        """Record the first use of a token from an address within a day, as far as it can be stored."""
        key = principal.token_id, address and network_of(address)
        now = self._timer()
        if now - self._signed_in.get(key, -_DAY) < _DAY:
            return
        self._signed_in[key] = now
        self._signed_in.move_to_end(key)
        if len(self._signed_in) > _MOST_KEYS:
            self._signed_in.popitem(last=False)
        number = self._new_addresses.count(principal.token_id)
        if number is None or number > _ADDRESSES_OF_A_DAY:
            return
        entry = AuditEntry(actor_of(principal, address), queries.SIGN_IN)

        async def add(tx: Transaction) -> None:
            # Another process may have recorded it.
            if not await queries.has_signed_in(tx, principal.store.id, entry.actor):
                await queries.record(tx, principal.store.id, entry)

        await self._try(add)

    async def refuse_sign_in(self, principal: Principal, address: str | None, code: str) -> None:
        """Record that a token was used that is revoked or expired."""
        entry = AuditEntry(actor_of(principal, address), queries.SIGN_IN, AuditOutcome.REFUSED, codes=(code,))
        await self.refuse(principal.store.id, entry)

    def _thinned(self, entry: AuditEntry, key: Hashable) -> AuditEntry | None:
        number = self._repeated.count(key)
        if number is None or number == 1:
            return entry if number else None
        return replace(entry, asked={**entry.asked, "timesThisHour": number})

    async def _try_to_record(self, store_id: int, entry: AuditEntry) -> None:
        await self._try(lambda tx: queries.record(tx, store_id, entry))

    async def _try(self, work: Callable[[Transaction], Awaitable[None]]) -> None:
        try:
            async with self._database.write() as tx:
                await work(tx)
        except Exception as error:
            # It is said in the log that something is missing there.
            if log_unavailable(error, lost="audit entry") is None:
                raise
