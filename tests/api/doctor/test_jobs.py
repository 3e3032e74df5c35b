"""Jobs that no worker can do, or that are about nothing, are found and named (P35)."""

from datetime import timedelta
from uuid import UUID

import pytest

from api.doctor.jobs import SUBJECTS
from api.wiring import Runtime
from api.workers.handlers import JOB_KINDS
from domain.jobs.tables import jobs
from domain.kit.clock import system_clock
from tests.api.doctor.plant import Plant, Statements, add, check_plant, rows
from tests.api.doctor.shop import Shop

NOW = system_clock()
LONG_AGO, LATER = NOW - timedelta(hours=2), NOW + timedelta(days=200)
GONE = UUID(int=7)
JOB = {
    "id": UUID(int=1),
    "queue": "lists",
    "kind": "campaign.launch",
    "payload": {"campaign": str(GONE)},
    "status": "queued",
    "due_at": LONG_AGO,
    "fence": 0,
    "deaths": 0,
    "created_at": LONG_AGO,
}


def _job(**values: object) -> Statements:
    return add(jobs, rows(**JOB | values))


PLANTS = {
    "a job about no campaign": Plant(
        "job rows", f"1 jobs are about what is missing (id={JOB['id']} campaigns {GONE})", _job()
    ),
    "a job about no batch": Plant(
        "job rows",
        f"1 jobs are about what is missing (id={JOB['id']} batch 9 of campaign {{campaign_id}})",
        lambda shop: add(
            jobs,
            rows(
                **JOB
                | {
                    "kind": "campaign.deliver",
                    "queue": "deliveries",
                    "payload": {"campaign": str(shop.campaign_id), "batch": 9},
                }
            ),
        )(shop),
    ),
    "a job about no operation": Plant(
        "job rows",
        f"1 jobs are about what is missing (id={JOB['id']} operations {GONE})",
        _job(kind="import.orders", queue="imports", payload={"operation": str(GONE)}),
    ),
    "a job that no worker does": Plant(
        "job rows", f"1 jobs are of a kind that no worker does (id={JOB['id']} 'dance')", _job(kind="dance")
    ),
    "a job that says nothing": Plant(
        "job rows", f"1 jobs have a payload that cannot be read (id={JOB['id']} campaign.launch)", _job(payload={})
    ),
    "a job whose payload is a list": Plant(
        "job rows",
        f"1 jobs have a payload that cannot be read (id={JOB['id']} list.erase)",
        _job(kind="list.erase", payload=["owner"]),
    ),
    "a job that was given up": Plant(
        "job rows",
        f"1 jobs were given up (id={JOB['id']} kind='lifecycle.score')",
        _job(kind="lifecycle.score", queue="reports", payload={}, status="failed"),
    ),
    "a lease that does not end": Plant(
        "job rows",
        f"1 jobs have a lease that does not end within an hour (id={JOB['id']} kind='lifecycle.score'",
        _job(kind="lifecycle.score", queue="reports", payload={}, status="running", owner="w", lease_until=LATER),
    ),
    "a job that is never due": Plant(
        "job rows",
        f"1 jobs are not due within three months (id={JOB['id']} kind='lifecycle.score'",
        _job(kind="lifecycle.score", queue="reports", payload={}, due_at=LATER),
    ),
    "a job in another queue": Plant(
        "job rows",
        f"1 jobs are in a queue that is not their kind's (id={JOB['id']} kind='lifecycle.score' queue='lists'",
        _job(kind="lifecycle.score", payload={}),
    ),
    "a job that lost its worker": Plant(
        "jobs",
        "1 of 1 jobs lost their worker",
        _job(status="running", owner="w", lease_until=LONG_AGO),
        store=False,
    ),
}


def test_every_kind_of_job_says_what_it_is_about() -> None:
    assert SUBJECTS.keys() == JOB_KINDS.keys()


@pytest.mark.parametrize("planted", PLANTS.values(), ids=PLANTS.keys())
async def test_a_job_that_cannot_be_done_is_found(
    runtime: Runtime, shop: Shop, database_url: str, planted: Plant
) -> None:
    await check_plant(runtime, shop, database_url, planted)
