"""Bugs to plant: each is a change of a function's source that the simulation has to find."""

import ast
import importlib
import inspect
from dataclasses import dataclass
from textwrap import dedent
from types import CodeType, FunctionType
from typing import Any


@dataclass(frozen=True, slots=True)
class Bug:
    """A part of a function, named by module and name, and what stands there when the bug is planted."""

    module: str
    name: str
    right: str
    wrong: str
    # Where a second guard would make the first one's absence harmless.
    also: "Bug | None" = None

    def plant(self) -> None:
        """Give the function the code with the bug, whoever has imported it."""
        self.function().__code__ = self.code()
        if self.also is not None:
            self.also.plant()

    def code(self) -> CodeType:
        """Return the function's code with the bug. Raise LookupError when the function has changed since."""
        function = self.function()
        source = dedent(inspect.getsource(function))
        if source.count(self.right) != 1:
            raise LookupError(f"{self.module}.{self.name} has no single {self.right!r}: plant the bug anew")
        if self.also is not None:
            self.also.code()
        tree = ast.parse(source.replace(self.right, self.wrong))
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
        definition.decorator_list.clear()
        names: dict[str, FunctionType] = {}
        exec(compile(tree, f"<{self.name} with a bug>", "exec"), function.__globals__, names)
        return names[definition.name].__code__

    def function(self) -> FunctionType:
        found: Any = importlib.import_module(self.module)
        for name in self.name.split("."):
            found = getattr(found, name)
        function = inspect.unwrap(found)
        assert isinstance(function, FunctionType)
        return function


BUGS = {
    "a job's fence is not checked": Bug(
        "domain.jobs.queries",
        "_is_held",
        'jobs.c.fence == bindparam("held_fence")',
        'jobs.c.fence >= bindparam("held_fence")',
        also=Bug("domain.jobs.queries", "extend", "if (job.store_id, job.id, job.fence) in extended", ""),
    ),
    "a lost lease is not noticed": Bug("domain.jobs.queries", "_check_held", "if not changed_rows", "if False"),
    "a lease that lasts is taken": Bug(
        "domain.jobs.queries", "_is_due", "jobs.c.lease_until < now", "jobs.c.lease_until > now"
    ),
    "a claim leaves the fence as it is": Bug(
        "domain.jobs.queries", "_claim", "fence=jobs.c.fence + 1", "fence=jobs.c.fence"
    ),
    "a job that broke counts as done": Bug(
        "api.workers.runner",
        "_give_back",
        "await jobs.fail(tx, job, delay=RETRY_AFTER, error=text)",
        "await jobs.finish(tx, job)",
    ),
    "a job that is given up leaves all as it was": Bug(
        "api.workers.scheduler", "_give_up", "kind is not None and kind.give_up is not None", "False"
    ),
    "a job that is given up can be gone on with": Bug(
        "domain.jobs.queries", "quarantine", "fence=jobs.c.fence + 1,", ""
    ),
    "a campaign's launch is finished before its effect": Bug(
        "domain.campaigns.launch",
        "launch",
        "await refresh_statistics(tx, list_members, customers, contacts)",
        "await jobs.finish(tx, job)",
    ),
    "a scheduled campaign is started again and again": Bug(
        "domain.campaigns.queries", "start_due", "campaigns.c.status == CampaignStatus.SCHEDULED.value, ", ""
    ),
    "a campaign ends while batches are open": Bug(
        "domain.campaigns.queries", "close_batch", "open_batches - 1", "open_batches * 0"
    ),
    "an opt-out is not looked for at the intent": Bug(
        "domain.deliveries.intents", "commit_intents", "in excluded.all()", "in excluded.all()[:0]"
    ),
    "an intent is not written": Bug(
        "domain.deliveries.intents",
        "_mark_sending",
        "status=DeliveryStatus.SENDING.value",
        "status=DeliveryStatus.PENDING.value",
    ),
    "what may have been sent is sent again": Bug(
        "domain.deliveries.settlement",
        "_result",
        "DeliveryResult(DeliveryStatus.UNKNOWN, error=_DIED)",
        "NOT_BEGUN",
    ),
    "a message begins without its journal": Bug(
        "domain.deliveries.local_session",
        "MessageReport.begin",
        "self.journal is not None and not self.journal.begin(key)",
        "False",
    ),
    "a journal that was revoked goes on": Bug(
        "domain.sessions.journal", "Journal.begin", "os.fstat(self._file).st_size == self._size", "True"
    ),
    "a line that was cut off spoils the next": Bug(
        "domain.sessions.journal", "Journal._append", "if self._torn:\n        # What", "if False:\n        # What"
    ),
    "a journal's outcomes are not read": Bug(
        "domain.deliveries.settlement", "_result", "None if told is None else told.outcomes.get(key)", "None"
    ),
    "outcomes are forgotten with the lease": Bug(
        "domain.deliveries.batch_sender", "BatchSender.run", "(Exception, asyncio.CancelledError)", "KeyError"
    ),
    "intents whose commit got no answer are left": Bug(
        "domain.deliveries.batch_sender", "BatchSender._next_window", "if self._intents_unknown", "if False"
    ),
    "a second cancellation forgets outcomes": Bug(
        "domain.deliveries.patience", "wait_to_the_end", "cancelled = True", "task.cancel()"
    ),
    "a second cancellation breaks off what has begun": Bug(
        "domain.deliveries.patience", "let_finish", "suppress(asyncio.CancelledError)", "suppress()"
    ),
    "what a channel leaves running goes on sending": Bug(
        "domain.deliveries.local_session", "LocalSession.send", "report.closed = True", "pass"
    ),
    "a batch that is given up keeps what is pending": Bug(
        "domain.deliveries.sender", "give_up", "await batches.abandon(tx, batch, reason)", "pass"
    ),
    "a lost answer is taken for a no": Bug(
        "domain.deliveries.retry",
        "result_of",
        "if idempotent and attempts < MAX_ATTEMPTS",
        "if attempts < MAX_ATTEMPTS",
    ),
    "a due list is requested again in every round": Bug(
        "domain.lists.schedule", "_request_or_each", "await refresh_schedule.set_due(tx, store_id, moments)", "pass"
    ),
    "a list is finished before it is built": Bug(
        "domain.lists.build", "build", "await jobs.renew(tx, job)", "await jobs.finish(tx, job)"
    ),
    "a list is counted twice on a retry": Bug(
        "domain.lists.build", "build", "ListStatus.READY, count=count", "ListStatus.READY, count=count * job.fence"
    ),
    "an import forgets how far it is": Bug(
        "domain.imports.import_run",
        "ImportRun.checkpoint",
        "await queries.save(tx, self.store_id, self.operation_id, progress)",
        "pass",
    ),
    "an import skips what was left of a piece": Bug(
        "domain.imports.pieces", "_read_piece", "offset=piece.end - len(rest)", "offset=piece.end"
    ),
    "an import that was abandoned ends as done": Bug(
        "domain.imports.import_run", "ImportRun.show_progress", "raise LeaseLost", "pass"
    ),
    "imported orders are not counted": Bug(
        "domain.imports.orders.merge",
        "merge",
        "await facts.recount_ids(tx, store_id, [*customer_ids, *previous_customer_ids])",
        "pass",
    ),
    "orders are not counted as they are read": Bug(
        "domain.imports.orders.batch",
        "write",
        "await facts.recount_without_favourites(tx, store_id, counted)",
        "pass",
    ),
    "an order is taken for whole with its first piece": Bug(
        "domain.imports.orders.batch", "write", "if order_id not in scattered", ""
    ),
    "favourites of a file are not counted": Bug(
        "domain.ingestion.favourite_counts",
        "count_next",
        "await favourites.count_added(tx, store_id, customer_ids)",
        "pass",
    ),
    "marks that nobody has read are deleted": Bug(
        "domain.changes.queries",
        "delete_marks",
        "mark.store_id == store_id, mark.id.in_(batch)",
        "mark.store_id == store_id",
    ),
    "members move without their lease": Bug(
        "domain.memberships.tracking", "_Tracker._writing", "await jobs.renew(tx, self.job, progressed=True)", "pass"
    ),
    "marks are deleted before the moves are stored": Bug(
        "domain.memberships.tracking",
        "_Tracker._record_changed",
        "        await changes.delete_marks(tx, self.job.store_id, marks)\n",
        "        await changes.delete_marks(tx, self.job.store_id, marks)\n    async with self._writing() as tx:\n",
    ),
    "events count twice": Bug(
        "domain.events.log", "_counted", ".append(event.occurred_at)", ".extend([event.occurred_at] * 2)"
    ),
    "a counter forgets what it counted": Bug("domain.events.log", "_adding", "stored.count + new.count", "new.count"),
    "an event is stored apart from what follows from it": Bug(
        "domain.ingestion.track",
        "_store",
        "changed = set(await projections.apply_events(tx, store_id, log_events, rules, now))",
        "changed = set()",
    ),
}
