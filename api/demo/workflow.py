"""The demo's steps, by the API alone: import customers and orders, create a segment and its list, send a campaign."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.demo import documents
from api.demo.client import ApiClient, RequestRefused

_POLL_SECONDS = 0.2
_CONTENT = {
    "subject": "{{ customer.name }}, our new collection has arrived",
    "preheader": "For customers who have ordered before",
    "html": "<h1>Hello {{ customer.name }}</h1><p>Our new collection ships to {{ customer.city }}.</p>",
}
_SEGMENT = {
    "name": "Ordered at least twice",
    "include": {"behavior": {"behavior": "order", "operator": "GTE", "values": [2]}},
}


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The counts of a demo run."""

    customers: int
    order_lines: int
    problems: int
    members: int
    reach: Mapping[str, Any]
    stats: Mapping[str, int]
    received: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Return whether every row was imported and every recipient received exactly one message."""
        recipients = self.reach["recipients"]
        sent_once = self.stats["sent"] == self.received == recipients
        return not self.problems and recipients > 0 and sent_once and not self.stats["unknown"]

    def table(self) -> Table:
        table = Table(show_header=False, title="Results")
        table.add_column()
        table.add_column(justify="right")
        rows = {
            "Customers imported": self.customers,
            "Order lines imported": self.order_lines,
            "Rows with a problem": self.problems,
            "Members of the list": self.members,
            "Recipients of the campaign": self.reach["recipients"],
            **{f"  excluded: {exclusion['reason']}": exclusion["count"] for exclusion in self.reach["excluded"]},
            "Sent": self.stats["sent"],
            "Failed": self.stats["failed"],
            "Unknown": self.stats["unknown"],
            "Received by the mail server": self.received,
        }
        for label, count in rows.items():
            table.add_row(label, f"{count:,}")
        table.add_row("Seconds", f"{self.seconds:.1f}")
        return table


class DemoRun:
    def __init__(self, client: ApiClient, console: Console) -> None:
        self._client = client
        columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console)

    def run(
        self, customers: Path, orders: Path, mail_settings: Mapping[str, object], received: Callable[[], int]
    ) -> DemoResult:
        """Run all steps and return their counts. Raise RequestRefused when the server refuses one."""
        started_at = monotonic()
        self._client.execute(documents.INSTALL, settings=mail_settings)
        with self._progress:
            customer_import = self._import("Customers", documents.IMPORT_CUSTOMERS, customers)
            order_import = self._import("Order lines", documents.IMPORT_ORDERS, orders)
            created = self._client.execute(documents.SEGMENT, input=_SEGMENT)
            self._wait_for("List", created["operation"]["id"])
            segment_list = self._client.execute(documents.LIST, id=created["list"]["id"])
            campaign_input = {
                "name": "New collection",
                "channel": "email",
                "target": {"listId": segment_list["id"]},
                "content": _CONTENT,
            }
            campaign = self._client.execute(documents.CAMPAIGN, input=campaign_input)["campaign"]
            stats = self._send(campaign["id"], campaign["reach"]["recipients"])
        return DemoResult(
            customers=customer_import["total"] or 0,
            order_lines=order_import["total"] or 0,
            problems=len(customer_import["problems"]) + len(order_import["problems"]),
            members=segment_list["count"],
            reach=campaign["reach"],
            stats=stats,
            received=received(),
            seconds=monotonic() - started_at,
        )

    def _import(self, label: str, document: str, path: Path) -> Mapping[str, Any]:
        upload = self._progress.add_task(f"{label} (upload)", total=path.stat().st_size)
        started = self._client.upload(document, path, lambda size: self._progress.advance(upload, size))
        self._progress.remove_task(upload)
        return self._wait_for(label, started["operation"]["id"])

    def _wait_for(self, label: str, operation_id: str) -> Mapping[str, Any]:
        task = self._progress.add_task(label, total=None)
        while True:
            operation: Mapping[str, Any] = self._client.execute(documents.OPERATION, id=operation_id)
            self._progress.update(task, completed=operation["done"], total=operation["total"])
            if operation["status"] == "DONE":
                return operation
            if operation["status"] in {"FAILED", "CANCELLED"}:
                problems = "; ".join(problem["message"] for problem in operation["problems"])
                raise RequestRefused(problems or operation["status"])
            sleep(_POLL_SECONDS)

    def _send(self, campaign_id: str, recipients: int) -> Mapping[str, int]:
        if recipients:
            self._client.execute(documents.SEND, id=campaign_id)
        task = self._progress.add_task("E-mails", total=recipients)
        while True:
            campaign = self._client.execute(documents.PROGRESS, id=campaign_id)
            stats: Mapping[str, int] = campaign["stats"]
            completed = sum(stats[name] for name in ("sent", "failed", "unknown", "skipped"))
            self._progress.update(task, completed=completed)
            if campaign["status"] != "SENDING":
                return stats
            sleep(_POLL_SECONDS)
