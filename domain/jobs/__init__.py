"""The queue of record: rows of jobs that are to be done, leased by the database's clock."""

from domain.jobs.counts import QueueCounts, count_by_queue
from domain.jobs.kinds import JobKind
from domain.jobs.model import LEASE_SECONDS, Job, LeaseLost, Queue
from domain.jobs.open_jobs import open_of_kind, replace_payload
from domain.jobs.queries import (
    add,
    add_all,
    add_once,
    claim,
    due,
    expire_leases,
    extend,
    fail,
    finish,
    killers,
    lease_owners,
    payloads,
    quarantine,
    release,
    renew,
    replace_errors,
)

__all__ = [
    "LEASE_SECONDS",
    "Job",
    "JobKind",
    "LeaseLost",
    "Queue",
    "QueueCounts",
    "add",
    "add_all",
    "add_once",
    "claim",
    "count_by_queue",
    "due",
    "expire_leases",
    "extend",
    "fail",
    "finish",
    "killers",
    "lease_owners",
    "open_of_kind",
    "payloads",
    "quarantine",
    "release",
    "renew",
    "replace_errors",
    "replace_payload",
]
