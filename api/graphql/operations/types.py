"""Operations: work in the background, with its progress and its problems."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import UserError, bad_input
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode, uuid
from api.graphql.kit.mutation import mutation
from api.graphql.kit.nodes import Node, find_node_of
from api.graphql.kit.scalars import JSON
from domain.imports.encodings import Encoding
from domain.imports.reports import model as report_model
from domain.imports.reports import queries as reports
from domain.kit.db import Transaction
from domain.lists.export.job import EXPORT
from domain.operations import actions, model, queries
from domain.operations.model import OperationStatus, ProblemOutcome
from domain.stores.model import TokenScope

expose(OperationStatus)
expose(
    ProblemOutcome,
    {
        ProblemOutcome.ROW_REFUSED: "Nothing of the row was taken.",
        ProblemOutcome.CELL_LEFT_OUT: "The row was taken without the cell.",
        ProblemOutcome.NOTICE: "The row was taken whole.",
    },
)
expose(
    Encoding,
    {
        Encoding.UTF_16_LE: "Little-endian, as Windows writes it.",
        Encoding.WINDOWS_1252: "Western Europe; ISO-8859-1 is a part of it.",
        Encoding.BIG5: "Traditional Chinese (code page 950).",
        Encoding.GB18030: "Simplified Chinese; GBK and GB2312 are parts of it.",
        Encoding.SHIFT_JIS: "Japanese (code page 932).",
    },
    name="FileEncoding",
)
_WATCH_EVERY = 0.5
_CANCELLABLE = frozenset({EXPORT.name})


@strawberry.type
class OperationProblem:
    row: int | None = strawberry.field(description="The row of an import, counted from 1.")
    column: str | None = strawberry.field(description="The column of the cell, as the file names it.")
    value: str | None = strawberry.field(description="What stands in the cell.")
    outcome: ProblemOutcome | None = strawberry.field(description="What an import made of it.")
    message: str

    @classmethod
    def of(cls, problem: model.Problem) -> Self:
        return cls(
            row=problem.row,
            column=problem.column,
            value=problem.value,
            outcome=problem.outcome,
            message=problem.message,
        )


@strawberry.type
class ImportedColumn:
    column: str = strawberry.field(description="As the file names it.")
    fields: list[str] = strawberry.field(description="The fields that are made of it; none where it is left out.")


@strawberry.type(description="The rows of a file that say anything.")
class ImportCounts:
    rows: int
    taken: int = strawberry.field(description="Rows that came in, or would without a dry run.")
    refused: int = strawberry.field(description="Rows of which nothing was taken.")
    cells_left_out: int = strawberry.field(description="Cells that were left out of rows that were taken.")


@strawberry.type
class ImportedRow:
    row: int = strawberry.field(description="Counted from 1.")
    fields: JSON = strawberry.field(description="The values as they were read, by field, without the empty ones.")


@strawberry.type(description="How an import has read its file.")
class ImportReport:
    operation_id: strawberry.Private[UUID]

    encoding: Encoding
    separator: str
    preset: str | None = strawberry.field(description="The export that the file was recognised as.")
    columns: list[ImportedColumn]
    counts: ImportCounts = strawberry.field(description="Complete once the operation has ended.")

    @strawberry.field(description="The first 10, as they were read, without those of customers who were erased.")
    async def rows(self, info: Info) -> list[ImportedRow]:
        samples = await info.context.load(reports.samples_of, self.operation_id)
        return [ImportedRow(row=sample.row, fields=JSON(sample.fields)) for sample in samples]

    @classmethod
    def of(cls, operation_id: UUID, report: report_model.ImportReport) -> Self:
        counts = report.counts
        return cls(
            operation_id=operation_id,
            encoding=Encoding(report.encoding),
            separator=report.separator,
            preset=report.preset,
            columns=[ImportedColumn(column=column.column, fields=list(column.fields)) for column in report.columns],
            counts=ImportCounts(
                rows=counts.rows,
                taken=counts.taken,
                refused=counts.refused,
                cells_left_out=counts.cells_left_out,
            ),
        )


@strawberry.type(description="Work in the background.")
class Operation(Node):
    row: strawberry.Private[model.Operation]

    id: strawberry.ID = derived(lambda self: encode("Operation", self.row.id))
    kind: str = derived(lambda self: self.row.kind)
    status: OperationStatus = derived(lambda self: self.row.status)
    done: int = derived(lambda self: self.row.done)
    total: int | None = derived(lambda self: self.row.total)
    created_at: datetime = derived(lambda self: self.row.created_at)
    finished_at: datetime | None = derived(lambda self: self.row.finished_at)

    @strawberry.field(description="The result, such as a report to download: a signed link that is valid for 7 days.")
    async def url(self, info: Info) -> str | None:
        return (await info.context.services.file_links()).url(self.row, info.context.now)

    @strawberry.field
    async def problems(self, info: Info) -> list[OperationProblem]:
        problems = await info.context.load(queries.problems_of, self.row.id)
        return [OperationProblem.of(problem) for problem in problems]

    @strawberry.field(description="How an import has read its file, once it has begun; kept for 30 days.")
    async def import_report(self, info: Info) -> ImportReport | None:
        report = await info.context.load_optional(reports.by_operation, self.row.id)
        return None if report is None else ImportReport.of(self.row.id, report)

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[UUID]) -> dict[UUID, model.Operation]:
        return {operation.id: operation for operation in await queries.by_ids(tx, store_id, keys)}

    @classmethod
    def recorded(cls, row: model.Operation) -> Mapping[str, object]:
        return {"kind": row.kind, "status": row.status.value}


@strawberry.type
class OperationPayload:
    operation: Operation | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class OperationQuery:
    @strawberry.field
    async def operation(self, info: Info, id: strawberry.ID) -> Operation | None:
        return await find_node_of(info.context, Operation, id)


@strawberry.type
class OperationSubscription:
    @strawberry.subscription(description="Each change of its progress, until it ends.")
    async def operation_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Operation, None]:
        context = info.context
        operation_id = uuid(id, "Operation")
        previous: model.Operation | None = None
        while True:
            async with context.database.read() as tx:
                current = operation_id and await queries.by_id(tx, context.store_id, operation_id)
            if not current:
                raise bad_input("There is no such operation", "id")
            if current != previous:
                previous = current
                yield Operation(row=current)
            if current.status.ended:
                return
            await asyncio.sleep(_WATCH_EVERY)


@strawberry.type
class OperationMutation:
    @mutation(
        OperationPayload,
        TokenScope.WRITE,
        description="Its unfinished result is discarded. Only exports of lists can be cancelled.",
    )
    async def operation_cancel(self, context: Context, tx: Transaction, id: strawberry.ID) -> OperationPayload:
        operation_id = uuid(id, "Operation")
        operation = await actions.cancel(tx, context.store_id, operation_id, _CANCELLABLE, context.now)
        return OperationPayload(operation=Operation(row=operation))
