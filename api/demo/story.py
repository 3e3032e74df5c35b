"""Customers and orders come in, a segment finds some of them, its list is frozen and written to, all is on record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.demo import documents
from api.demo.client import Client, Refused

_WATCH_EVERY = 0.2
_CONTENT = {
    "subject": "{{ customer.name }}, something new is here",
    "preheader": "Because you have been with us before",
    "html": "<h1>Hello {{ customer.name }}</h1><p>We thought of you in {{ customer.city }}.</p>",
}
_SEGMENT = {
    "name": "Ordered at least twice",
    "include": {"behavior": {"behavior": "order", "operator": "GTE", "values": [2]}},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it, and whether that is what had to come of it."""

    customers: int
    orders_rows: int
    problems: int
    members: int
    reach: Mapping[str, Any]
    stats: Mapping[str, int]
    received: int
    seconds: float

    @property
    def well(self) -> bool:
        recipients = self.reach["recipients"]
        sent_once = self.stats["sent"] == self.received == recipients
        return not self.problems and recipients > 0 and sent_once and not self.stats["unknown"]


class Story:
    """Tells it through the API alone."""

    def __init__(self, client: Client, console: Console) -> None:
        self._client = client
        self._console = console

    def tell(self, customers: Path, orders: Path, mail: Mapping[str, object], received: Callable[[], int]) -> Outcome:
        began = monotonic()
        self._client.ask(documents.INSTALL, settings=mail)
        with self._bars() as bars:
            people = self._import(bars, "Customers", documents.IMPORT_CUSTOMERS, customers)
            purchases = self._import(bars, "Order lines", documents.IMPORT_ORDERS, orders)
            made = self._client.ask(documents.SEGMENT, input=_SEGMENT)
            self._operation(bars, "List", made["operation"]["id"])
            frozen = self._client.ask(documents.LIST, id=made["list"]["id"])
            drawn = self._client.ask(documents.CAMPAIGN, input=_campaign(frozen["id"]))["campaign"]
            stats = self._send(bars, drawn["id"], drawn["reach"]["recipients"])
        return Outcome(
            customers=people["total"] or 0,
            orders_rows=purchases["total"] or 0,
            problems=len(people["problems"]) + len(purchases["problems"]),
            members=frozen["count"],
            reach=drawn["reach"],
            stats=stats,
            received=received(),
            seconds=monotonic() - began,
        )

    def _bars(self) -> Progress:
        columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        return Progress(*columns, console=self._console)

    def _import(self, bars: Progress, name: str, document: str, path: Path) -> Mapping[str, Any]:
        upload = bars.add_task(f"{name} (file)", total=path.stat().st_size)
        started = self._client.upload(document, path, lambda size: bars.advance(upload, size))
        bars.remove_task(upload)
        return self._operation(bars, name, started["operation"]["id"])

    def _operation(self, bars: Progress, name: str, operation_id: str) -> Mapping[str, Any]:
        task = bars.add_task(name, total=None)
        while True:
            state: Mapping[str, Any] = self._client.ask(documents.OPERATION, id=operation_id)
            bars.update(task, completed=state["done"], total=state["total"])
            if state["status"] == "DONE":
                return state
            if state["status"] in {"FAILED", "CANCELLED"}:
                raise Refused("; ".join(problem["message"] for problem in state["problems"]) or state["status"])
            sleep(_WATCH_EVERY)

    def _send(self, bars: Progress, campaign_id: str, recipients: int) -> Mapping[str, int]:
        if recipients:
            self._client.ask(documents.SEND, id=campaign_id)
        task = bars.add_task("E-mails", total=recipients)
        while True:
            state = self._client.ask(documents.PROGRESS, id=campaign_id)
            stats: Mapping[str, int] = state["stats"]
            _show_sent(bars, task, stats)
            if state["status"] != "SENDING":
                return stats
            sleep(_WATCH_EVERY)


def table(outcome: Outcome) -> Table:
    shown = Table(show_header=False, title="What came of it")
    shown.add_column()
    shown.add_column(justify="right")
    rows = {
        "Customers imported": outcome.customers,
        "Order lines imported": outcome.orders_rows,
        "Rows with a problem": outcome.problems,
        "Members of the list": outcome.members,
        "Reach: recipients": outcome.reach["recipients"],
        **{f"  not: {why['reason']}": why["count"] for why in outcome.reach["excluded"]},
        "Sent": outcome.stats["sent"],
        "Failed": outcome.stats["failed"],
        "Unknown": outcome.stats["unknown"],
        "Received by the mail server": outcome.received,
    }
    for name, count in rows.items():
        shown.add_row(name, f"{count:,}")
    shown.add_row("Seconds", f"{outcome.seconds:.1f}")
    return shown


def _campaign(list_id: str) -> Mapping[str, object]:
    return {"name": "Something new", "channel": "email", "target": {"listId": list_id}, "content": _CONTENT}


def _show_sent(bars: Progress, task: TaskID, stats: Mapping[str, int]) -> None:
    bars.update(task, completed=sum(stats[name] for name in ("sent", "failed", "unknown", "skipped")))
