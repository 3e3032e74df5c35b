"""An import in a worker's hands, and the end of each of its steps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain import jobs
from domain.addresses import KNOWN_KINDS, AddressKinds
from domain.imports import queries
from domain.imports.format import ImportFormat, ImportKey
from domain.imports.model import Progress
from domain.jobs import Job, LeaseLost
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.operations import queries as operations
from domain.operations.files import FileDirectory

# Ends the job in the last transaction.
Finish = Callable[[Transaction], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ImportEnvironment:
    """The clock that imports go by, the key of the hashes of what customers are known by, and where files are made.

    `address_kinds`: the kinds of address of channels.
    """

    clock: Clock
    suppression_key: bytes
    files: FileDirectory
    address_kinds: AddressKinds = field(default_factory=lambda: KNOWN_KINDS)


@dataclass(slots=True)
class ImportRun:
    """The import that a worker works on; `progress` moves on with each step."""

    database: Database
    job: Job
    environment: ImportEnvironment
    finish: Finish
    format: ImportFormat
    operation_id: UUID
    sent_at: datetime
    bytes: int
    dry_run: bool
    progress: Progress

    @property
    def store_id(self) -> int:
        return self.job.store_id

    @property
    def clock(self) -> Clock:
        return self.environment.clock

    @property
    def key(self) -> ImportKey:
        environment = self.environment
        return ImportKey(
            self.store_id, self.operation_id, environment.suppression_key, self.sent_at, environment.address_kinds
        )

    async def checkpoint(self, tx: Transaction, progress: Progress, done: int, total: int | None) -> None:
        """Store how far the import is, last in a step's transaction. Raise LeaseLost when another has the job."""
        await queries.save(tx, self.store_id, self.operation_id, progress)
        await self.show_progress(tx, done, total)
        await jobs.renew(tx, self.job, progressed=True)

    async def show_progress(self, tx: Transaction, done: int, total: int | None) -> None:
        """Store what clients see of the progress. Raise LeaseLost when the import has been abandoned meanwhile.

        Whoever claims the job next finds nothing to do, and ends it.
        """
        if not await operations.progress(tx, self.store_id, self.operation_id, done, total):
            raise LeaseLost
