"""Workers meet at an account: they take permits and slots, and note what its provider says."""

from datetime import timedelta

from domain.accounts import queries
from domain.accounts.model import AccountKey, AccountWait, Permits, Rate, permit, queued, recovered, refused
from domain.kit.db import Transaction


async def look(
    tx: Transaction, key: AccountKey, rate: Rate | None, wanted: int, *, has_recovered: bool = False
) -> Permits | None:
    """Return what `take` would probably give; None for an account that nobody has taken permits of or refused."""
    account = await queries.find(tx, key)
    if account is None:
        return None
    return permit(recovered(account) if has_recovered else account, rate, wanted)


async def take(
    tx: Transaction, key: AccountKey, rate: Rate | None, wanted: int, *, has_recovered: bool = False
) -> Permits:
    """Take permits for as many of the wanted messages as may go out, and note a recovery: lock the account last."""
    account = await queries.lock(tx, key)
    if has_recovered:
        account = recovered(account)
    permits = permit(account, rate, wanted)
    if permits.count or has_recovered:
        await queries.store(tx, key, permits.account)
    return permits


async def note_refusal(
    tx: Transaction, key: AccountKey, reason: str, after: timedelta | None, *, probe: bool
) -> AccountWait | None:
    """Have all workers wait for the account, and return for how long."""
    account = refused(await queries.lock(tx, key), reason, after, probe=probe)
    await queries.store(tx, key, account)
    return account.wait


async def note_recovery(tx: Transaction, key: AccountKey) -> None:
    """Have all workers go on: the probe was answered."""
    await queries.store(tx, key, recovered(await queries.lock(tx, key)))


async def queue_up(tx: Transaction, key: AccountKey, seconds: float) -> float:
    """Return after how many seconds a job should look again that cannot go on before so many."""
    delay, account = queued(await queries.lock(tx, key), seconds)
    await queries.store(tx, key, account)
    return delay
