"""Kinds of job: their names stand in the rows of jobs that wait."""

from api.workers.handlers import JOB_KINDS, MAKE_FILES
from domain.jobs import Queue


def test_jobs_that_wait_are_known_by_their_names_after_an_update() -> None:
    assert {name: kind.queue for name, kind in JOB_KINDS.items()} == {
        "campaign.launch": Queue.LISTS,
        "campaign.deliver": Queue.DELIVERIES,
        "delivery.observe": Queue.REPORTS,
        "channel.sync": Queue.REPORTS,
        "channel.work": Queue.DEFAULT,
        "list.build": Queue.LISTS,
        "customer.erase": Queue.DEFAULT,
        "customer.export": Queue.REPORTS,
        "list.erase": Queue.LISTS,
        "list.export": Queue.REPORTS,
        "memberships.track": Queue.SEGMENTS,
        "lifecycle.score": Queue.REPORTS,
        "orders.recount": Queue.IMPORTS,
        "receipts.fold": Queue.DEFAULT,
        "receipts.poll": Queue.DEFAULT,
        "orders.favourites": Queue.IMPORTS,
        "import.customers": Queue.IMPORTS,
        "import.orders": Queue.IMPORTS,
        "import.events": Queue.IMPORTS,
    }


def test_the_files_of_jobs_that_make_them_are_not_swept_up() -> None:
    imports = {"import.customers", "import.orders", "import.events"}
    assert {"list.export", "customer.export"} | imports == MAKE_FILES
