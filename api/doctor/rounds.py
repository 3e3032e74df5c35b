"""The doctor's round: every check by itself, so that what breaks one is its finding, and the others go on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError

from api.doctor.check import CheckScope, DataCheck, Part, ProcessCheck, find
from api.doctor.configuration import missing_database
from api.doctor.findings import CheckResult, Finding, FindingCollector, unchecked
from api.doctor.registry import DATA_CHECKS, PROCESS_CHECKS
from api.wiring import Runtime
from domain.kit.db.faults import is_unavailable, is_unmigrated
from domain.segments.evaluation.deadline import TookTooLong, reading
from domain.stores import queries as stores

# Of one look at one store, or at all of them.
LOOK_SECONDS = 120.0
_GRACE_SECONDS = 10.0


async def run_checks(
    runtime: Runtime,
    process_checks: Sequence[ProcessCheck] = PROCESS_CHECKS,
    data_checks: Sequence[DataCheck] = DATA_CHECKS,
    seconds: float = LOOK_SECONDS,
) -> list[CheckResult]:
    """Return the results of the checks. Whatever a look raises, or if it takes longer, is a finding of its check.

    Without a database, one result stands for all checks of the data.
    """
    round_ = _Round(runtime, seconds)
    results = [await round_.result_of(check, round_.look_at_process) for check in process_checks]
    for number, check in enumerate(data_checks):
        if round_.away is None:
            results.append(await round_.result_of(check, round_.look_at_data))
        if round_.away is not None:
            problem = f"{len(data_checks) - number} checks of the data could not be made: {round_.away}"
            results.append(CheckResult("data", "", "see the check `connections`", [Finding(problem)]))
            break
    return results


class _Round:
    """`away` says why there is no database to look at."""

    def __init__(self, runtime: Runtime, seconds: float) -> None:
        self.away = missing_database(runtime.settings)
        self._runtime = runtime
        self._seconds = seconds
        self._store_ids: list[int] | None = None

    async def result_of(
        self, check: ProcessCheck | DataCheck, look: Callable[..., Awaitable[FindingCollector]]
    ) -> CheckResult:
        started = monotonic()
        collector = await look(check)
        took = monotonic() - started
        return CheckResult(check.name, check.subject, check.advice, collector.findings, collector.hidden, took)

    async def look_at_process(self, check: ProcessCheck) -> FindingCollector:
        collector = FindingCollector()
        try:
            async with asyncio.timeout(self._seconds):
                collector.add(await check.look(self._runtime))
        except Exception as error:  # noqa: BLE001 - the doctor goes on, whatever breaks
            collector.add([unchecked(error)])
        return collector

    async def look_at_data(self, check: DataCheck) -> FindingCollector:
        collector = FindingCollector()
        for store_id in await self._known_stores() if check.each_store else [0]:
            if self.away is None:
                collector.add(await self._look_at_store(check.parts, store_id))
        return collector

    async def _look_at_store(self, parts: Sequence[Part], store_id: int) -> Sequence[Finding]:
        try:
            return await self._look(parts, store_id)
        except Exception:  # noqa: BLE001 - which of them it was, the next look says
            findings: list[Finding] = []
            for part in parts:
                if self.away is None:
                    findings += await self._attempt(partial(self._look, [part], store_id), store_id or None)
            return findings

    async def _known_stores(self) -> Sequence[int]:
        if self._store_ids is None:
            try:
                self._store_ids = await self._read_store_ids()
            except Exception as error:  # noqa: BLE001 - the doctor goes on, whatever breaks
                unmigrated = "there are no stores: run `muster migrate`"
                self.away = unmigrated if is_unmigrated(error) else unchecked(error).text
        return self._store_ids or ()

    async def _look(self, parts: Sequence[Part], store_id: int) -> Sequence[Finding]:
        database = self._runtime.database
        scope = CheckScope(self._runtime, database.dialect, self._runtime.services.clock(), store_id)
        # An error ends the transaction. A snapshot: what is compared is of one moment.
        async with (
            asyncio.timeout(self._seconds + _GRACE_SECONDS),
            reading(database, self._seconds, snapshot=True) as tx,
        ):
            return [finding for part in parts for finding in await find(tx, scope, part)]

    async def _read_store_ids(self) -> list[int]:
        async with asyncio.timeout(self._seconds), self._runtime.database.read() as tx:
            return await stores.all_ids(tx)

    async def _attempt(
        self, look: Callable[[], Awaitable[Sequence[Finding]]], store_id: int | None
    ) -> Sequence[Finding]:
        try:
            return await look()
        except (TookTooLong, TimeoutError):
            return [Finding(f"could not be checked: it took longer than {self._seconds:g} s", store_id)]
        except Exception as error:  # noqa: BLE001 - the doctor goes on, whatever breaks
            if is_unavailable(error):
                await self._note_whether_away()
            return [unchecked(error, store_id)]

    async def _note_whether_away(self) -> None:
        """Look whether the database answers at all: otherwise every further look would wait for it."""
        try:
            await self._read_store_ids()
        except (SQLAlchemyError, OSError) as error:
            if is_unavailable(error):
                self.away = "the database does not answer"
