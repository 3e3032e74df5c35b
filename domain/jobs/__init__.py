"""The queue of record: rows that say what is to be done, leased by the database's clock."""

from domain.jobs.kinds import JobKind
from domain.jobs.model import LEASE_SECONDS, Job, LeaseLost, Queue
from domain.jobs.queries import (
    add,
    add_all,
    add_once,
    claim,
    count,
    due,
    expire,
    fail,
    finish,
    owners,
    payloads,
    release,
    renew,
    sweep,
)

__all__ = [
    "LEASE_SECONDS",
    "Job",
    "JobKind",
    "LeaseLost",
    "Queue",
    "add",
    "add_all",
    "add_once",
    "claim",
    "count",
    "due",
    "expire",
    "fail",
    "finish",
    "owners",
    "payloads",
    "release",
    "renew",
    "sweep",
]
