"""Every statement on accounts."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, and_, bindparam, delete, exists, false, func, or_, select, update

from domain.accounts.model import Account, AccountKey
from domain.accounts.tables import account_slots, channel_accounts
from domain.jobs.model import Job, JobStatus
from domain.jobs.tables import jobs
from domain.kit.db import Transaction
from domain.kit.db.portable import database_now, insert_into

_STATE = ("arrival_at", "turn_at", "refused_until", "reason", "refusals")


async def find(tx: Transaction, key: AccountKey) -> Account | None:
    """Return the account, None where it has neither sent by a rate nor been refused."""
    row = (await tx.execute(_account(tx.dialect, lock=False), _values(key))).mappings().one_or_none()
    return None if row is None else Account(**row)


async def lock(tx: Transaction, key: AccountKey) -> Account:
    """Return the account, which nobody else changes until the transaction ends: lock it last."""
    row = (await tx.execute(_account(tx.dialect, lock=True), _values(key))).mappings().one_or_none()
    if row is None:
        values = {"store_id": key.store_id, "channel": key.channel, "account": key.name, "refusals": 0}
        await tx.execute(insert_into(channel_accounts, tx.dialect).on_conflict_do_nothing(), values)
        row = (await tx.execute(_account(tx.dialect, lock=True), _values(key))).mappings().one()
    return Account(**row)


async def store(tx: Transaction, key: AccountKey, account: Account) -> None:
    """Write an account that is locked."""
    await tx.execute(_STORE, {**_values(key), **{f"new_{name}": getattr(account, name) for name in _STATE}})


async def take_slot(tx: Transaction, key: AccountKey, job: Job, slots: int) -> bool:
    """Have the claim be one of those that send, at most `slots`; return whether it is. The account is locked.

    A claim that has ended its job, or whose lease ran out, has given its slot back by that.
    """
    of_account = _slots_of(key)
    held = exists().where(
        jobs.c.store_id == account_slots.c.store_id,
        jobs.c.id == account_slots.c.job_id,
        jobs.c.fence == account_slots.c.fence,
        jobs.c.status == JobStatus.RUNNING.value,
        jobs.c.lease_until >= database_now(tx.dialect),
    )
    given_back = or_(account_slots.c.job_id == job.id, ~held)
    await tx.execute(delete(account_slots).where(of_account, given_back))
    taken: int = await tx.scalar(select(func.count()).select_from(account_slots).where(of_account))
    if taken >= slots:
        return False
    await tx.execute(
        insert_into(account_slots, tx.dialect).values(
            store_id=key.store_id, channel=key.channel, account=key.name, job_id=job.id, fence=job.fence
        )
    )
    return True


async def forget_refusals(tx: Transaction, store_id: int, channel: str) -> None:
    """Have the channel's accounts be tried at once: its settings are others now."""
    await tx.execute(
        update(channel_accounts)
        .where(channel_accounts.c.store_id == store_id, channel_accounts.c.channel == channel)
        .values(refused_until=None, reason=None, refusals=0)
    )


async def replace_reasons(tx: Transaction, store_id: int, texts: Collection[str], reason: str) -> None:
    """Replace the reasons that hold one of the texts, which are in lower case."""
    holds = or_(
        false(), *(func.lower(channel_accounts.c.reason).contains(text, autoescape=True) for text in sorted(texts))
    )
    of_store = channel_accounts.c.store_id == store_id
    await tx.execute(update(channel_accounts).where(of_store, holds).values(reason=reason))


def _slots_of(key: AccountKey) -> Any:
    return and_(
        account_slots.c.store_id == key.store_id,
        account_slots.c.channel == key.channel,
        account_slots.c.account == key.name,
    )


def _is_account() -> Any:
    return and_(
        channel_accounts.c.store_id == bindparam("of_store"),
        channel_accounts.c.channel == bindparam("of_channel"),
        channel_accounts.c.account == bindparam("of_account"),
    )


def _values(key: AccountKey) -> Mapping[str, object]:
    return {"of_store": key.store_id, "of_channel": key.channel, "of_account": key.name}


@cache
def _account(dialect: str, *, lock: bool) -> Select[Any]:
    columns = (channel_accounts.c[name] for name in _STATE)
    statement = select(database_now(dialect).label("now"), *columns).where(_is_account())
    return statement.with_for_update() if lock else statement


_STORE: Update = (
    update(channel_accounts).where(_is_account()).values({name: bindparam(f"new_{name}") for name in _STATE})
)
