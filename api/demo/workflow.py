"""The demo's steps, by the API alone: import customers and orders, create a segment and its list, send a campaign."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.demo import documents
from api.demo.client import ApiClient, RequestRefused
from api.demo.data_files import DataFile
from domain.imports.model import ImportKind

_POLL_SECONDS = 0.2
_MAX_PROBLEMS = 5
_LABELS = {ImportKind.CUSTOMERS: "Customers", ImportKind.ORDERS: "Order lines", ImportKind.EVENTS: "Events"}
_CONTENT = {
    "subject": "{{ customer.first_name or customer.name or 'Hello' }}, our new collection has arrived",
    "preheader": "For customers who have ordered before",
    "html": "<h1>Hello {{ customer.first_name or customer.name }}</h1>"
    "<p>Our new collection ships to {{ customer.city or 'you' }}.</p>",
}
_SEGMENT = {
    "name": "Ordered at least once",
    "include": {"behavior": {"behavior": "order", "operator": "GTE", "values": [1]}},
}


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The counts of a demo run; `rows` are those that were imported, by the kind of file."""

    rows: Mapping[ImportKind, int]
    refused: int
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
        return not self.refused and recipients > 0 and sent_once and not self.stats["unknown"]

    def table(self) -> Table:
        table = Table(show_header=False, title="Results")
        table.add_column()
        table.add_column(justify="right")
        rows = {
            **{f"{_LABELS[kind]} imported": rows for kind, rows in self.rows.items()},
            "Rows refused": self.refused,
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
        self, files: Sequence[DataFile], mail_settings: Mapping[str, object], received: Callable[[], int]
    ) -> DemoResult:
        """Run all steps and return their counts. Raise RequestRefused when the server refuses one."""
        started_at = monotonic()
        self._client.execute(documents.INSTALL, settings=mail_settings)
        with self._progress:
            imported = [(file.kind, self._import(file)) for file in files]
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
            rows={kind: sum(counts["taken"] for other, counts in imported if other is kind) for kind, _ in imported},
            refused=sum(counts["refused"] for _, counts in imported),
            members=segment_list["count"],
            reach=campaign["reach"],
            stats=stats,
            received=received(),
            seconds=monotonic() - started_at,
        )

    def _import(self, file: DataFile) -> Mapping[str, int]:
        """Import a file, print the first of its problems, and return its counts."""
        label, path = _LABELS[file.kind], file.path
        upload = self._progress.add_task(f"{label} (upload)", total=path.stat().st_size)
        started = self._client.upload(
            documents.IMPORTS[file.kind], path, lambda size: self._progress.advance(upload, size)
        )
        self._progress.remove_task(upload)
        operation = self._wait_for(label, started["operation"]["id"])
        report: Mapping[str, Any] = operation["importReport"]
        if report["preset"] is not None:
            self._progress.console.print(f"{path.name}: an export of {report['preset']}", markup=False)
        for problem in operation["problems"][:_MAX_PROBLEMS]:
            self._progress.console.print(f"{path.name}, row {problem['row']}: {problem['message']}", markup=False)
        counts: Mapping[str, int] = report["counts"]
        return counts

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
