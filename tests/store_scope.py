# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# What a select is correlated to, SQLAlchemy tells nobody but its compiler.
"""A statement that does not say of which store it is, or joins customers by something else, fails its test."""

import re
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]  # it ships none
from sqlalchemy import (
    CTE,
    Alias,
    BinaryExpression,
    ClauseElement,
    Column,
    Connection,
    Engine,
    FromClause,
    Subquery,
    Table,
    TextClause,
    event,
)
from sqlalchemy.sql import operators

from domain.migrations.tables import metadata
from tests.customer_scope import NOT_LOCAL, apart
from tests.statement_parts import Froms, conjuncts, correlated, parts, table_of

_ROOT = Path(__file__).parents[1]
_READ = re.compile(r"\b(?:FROM|JOIN|UPDATE)\s+(\w+)")
_VOLATILE = re.compile(r"\bclock_timestamp\(|\bON CONFLICT\b.*(?:statement_timestamp|julianday)\(", re.DOTALL)
# Run statements for others, who are to answer for them.
_RUNNERS = {"domain/kit/db/engine.py", "tests/store_scope.py"}

# The second is what PostgreSQL compares without an index.
_COMPARED = (operators.eq, operators.is_not_distinct_from)

# Functions whose statements are not of one store, with the reason of each.
OF_ALL_STORES: Mapping[str, str] = {
    "api/doctor/check.py: wrong_rows_of_all_stores": "doctor looks for rows of no store, and of stores mixed up",
    "domain/audit/queries.py: stores_with_expired": "the scheduler asks which stores have entries past their time",
    "domain/channels/authorizations.py: delete_expired": "nobody came back to the stores of these",
    "domain/channels/periodic.py: due": "the scheduler asks which stores' channels have work to do",
    "domain/campaigns/queries.py: pause_all": "a database that went back has lost commits of every store",
    "domain/campaigns/queries.py: resume_all": "an operator resumes what the server has paused, in whichever store",
    "domain/campaigns/queries.py: due": "doctor names every campaign that a restored backup may have forgotten",
    "domain/campaigns/queries.py: under_way": "a database that was restored has forgotten what was sent in every store",
    "domain/jobs/open_jobs.py: open_of_kind": "a database that was restored has forgotten launches of every store",
    "domain/installation/queries.py: beat_is_due": "it is the installation's, and asks whether any store sends",
    "domain/installation/queries.py: beat": "it is the installation's, and asks whether any store sends",
    "domain/campaigns/queries.py: sending": "doctor names every campaign that has no job",
    "domain/campaigns/queries.py: start_due": "the scheduler starts what is due, in whichever store",
    "domain/imports/queries.py: staged": "the scheduler clears what no import owns, in whichever store",
    "domain/imports/reports/queries.py: delete_before": "reports of all stores are kept for one time",
    "domain/jobs/counts.py: count_by_queue": "/metrics and doctor count the jobs of the installation",
    "domain/jobs/queries.py: due": "the scheduler rings for the jobs that are due longest",
    "domain/jobs/queries.py: expire_leases": "the owners are dead, whatever stores their jobs are of",
    "domain/jobs/queries.py: lease_owners": "an owner is a process, which works for all stores",
    "domain/jobs/queries.py: payloads": "doctor compares the jobs with the campaigns that are being sent",
    "domain/jobs/queries.py: extend": "a process renews the leases of all its jobs, of whatever stores",
    "domain/jobs/queries.py: killers": "the scheduler gives up what kills its workers",
    "domain/lists/queries.py: generating": "the scheduler ends lists that nobody makes, in whichever store",
    "domain/memberships/queries.py: stores_due": "the scheduler asks which stores have changed",
    "domain/operations/queries.py: delete_problems_before": "reports of all stores are kept for one time",
    "domain/operations/queries.py: open_of_all_stores": "the scheduler ends what nobody works on, in whichever store",
    "domain/operations/queries.py: files_of": "a directory of files is the installation's",
    "domain/operations/queries.py: with_expired_files": "a directory of files is the installation's",
    "domain/receipts/queries.py: ended_with_names": "names of messages are kept for one time, in whichever store",
    "domain/receipts/polls.py: due": "the scheduler asks which stores' channels are to be asked",
    "domain/receipts/queries.py: stores_with_due": "the scheduler asks which stores have receipts to fold",
    "domain/deliveries/conversations.py: delete_old": "conversations of all stores are kept for one time",
    "domain/segments/refresh_schedule.py: due": "the scheduler makes the lists that are due, in whichever store",
    "domain/stores/queries.py: credential": "a token of an earlier release has no number of its store",
    "domain/stores/queries.py: valid_tokens": "a process has connections of several stores' tokens open",
    "domain/stores/sealed_settings.py: count": "doctor says how many still need the secret key before",
    "domain/stores/sealed_settings.py: page": "one secret key seals the settings of every store",
}


def unscoped_tables(statement: ClauseElement) -> set[str]:
    """Return the tables that a statement reads or writes without `store_id =` beside them, each place by itself."""
    if isinstance(statement, TextClause):
        tables = [metadata.tables[name] for name in set(_READ.findall(statement.text)) & set(metadata.tables)]
        store = "|".join(table_of(place).name for place in _store_tables(tables))
        said = set(re.findall(rf"\b({store})\.store_id = ", statement.text)) if store else set[str]()
        return {table_of(place).name for place in _store_tables(tables)} - said
    return {table_of(place).name for place in _unscoped(statement, frozenset(), set())}


def reads_volatile_clock(sql: str) -> bool:
    """Return whether a statement has rows of different times, or a condition of ON CONFLICT that is not bound."""
    return _VOLATILE.search(sql) is not None


def _unscoped(element: ClauseElement, enclosing: Froms, done: set[int]) -> Iterator[FromClause]:
    if isinstance(element, Table | Alias):
        return
    if isinstance(element, Subquery | CTE):
        # Read by itself, however often it is named.
        if id(element) in done:
            return
        done.add(id(element))
        enclosing = frozenset()
    froms, criteria = parts(element)
    froms -= correlated(element, enclosing)
    scoped = set(_compared_by_store(criteria))
    yield from (table for table in _store_tables(froms) if table not in scoped)
    for child in element.get_children():
        yield from _unscoped(child, enclosing | froms, done)


def _store_tables(froms: Iterable[FromClause]) -> Iterator[FromClause]:
    for place in froms:
        table = table_of(place)
        if isinstance(table, Table) and "store_id" in table.c:
            yield place


def _compared_by_store(criteria: Iterable[Any]) -> Iterator[FromClause]:
    for criterion in conjuncts(criteria):
        if isinstance(criterion, BinaryExpression) and criterion.operator in _COMPARED:
            for side in (criterion.left, criterion.right):
                if isinstance(side, Column) and side.name == "store_id":
                    yield side.table


class StoreScopeGuard:
    """Look at each statement once that the product runs, wherever a test has it run."""

    def __init__(
        self, of_all_stores: Mapping[str, str] = OF_ALL_STORES, not_local: Mapping[str, str] = NOT_LOCAL
    ) -> None:
        self._of_all_stores = of_all_stores
        self._not_local = not_local
        self._known: set[str] = set()
        self.faults: list[str] = []
        event.listen(Engine, "before_cursor_execute", self._check)

    def close(self) -> None:
        event.remove(Engine, "before_cursor_execute", self._check)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        yield
        faults, self.faults = self.faults, []
        if faults:
            pytest.fail("\n".join(faults), pytrace=False)

    def _check(
        self, _connection: Connection, _cursor: object, sql: str, _parameters: object, context: Any, _many: object
    ) -> None:
        if sql in self._known:
            return
        caller = _caller()
        if caller.startswith(("tests/", "domain/migrations/")):
            return
        self._known.add(sql)
        compiled = context.compiled
        tables = unscoped_tables(compiled.statement) if compiled is not None else set()
        if tables and caller not in self._of_all_stores:
            self.faults.append(f"{caller} does not say `store_id =` of {', '.join(sorted(tables))}: {sql}")
        far = apart(compiled.statement) if compiled is not None else set[str]()
        if far and caller not in self._not_local:
            self.faults.append(f"{caller} does not join {', '.join(sorted(far))} by their customer: {sql}")
        if reads_volatile_clock(sql):
            self.faults.append(f"{caller} reads the clock for each row: {sql}")


def _caller() -> str:
    """Return the innermost function of this repository that has a statement run, and its file."""
    for frame in _frames():
        file = _our_file(frame.f_code.co_filename)
        if file is not None:
            return f"{file}: {frame.f_code.co_qualname}"
    return "tests/"


@cache
def _our_file(name: str) -> str | None:
    """Return the path of a file of this repository that does more than to run what others say."""
    path = Path(name)
    if not path.is_relative_to(_ROOT) or ".venv" in path.parts:
        return None
    file = path.relative_to(_ROOT).as_posix()
    return None if file in _RUNNERS else file


def _frames() -> Iterator[FrameType]:
    """Yield the frames of this greenlet, in which SQLAlchemy runs the driver, then of those that wait for it."""
    frame: FrameType | None = sys._getframe()
    current: greenlet | None = getcurrent()
    while current is not None:
        while frame is not None:
            yield frame
            frame = frame.f_back
        current = current.parent
        frame = None if current is None else current.gr_frame
