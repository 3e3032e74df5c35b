"""Checks that names are searched and sorted by what they are: their folded forms follow from them."""

from collections.abc import Sequence

from sqlalchemy import Table, select

from api.doctor.check import CheckScope, DataCheck, Examination
from api.doctor.findings import MAX_NAMED, Finding
from domain.campaigns.tables import campaigns
from domain.customers.model import folded_name
from domain.customers.tables import customers
from domain.kit.db import Transaction
from domain.lists.tables import lists
from domain.segments.tables import segments

_ROWS_AT_ONCE = 5_000


def _wrongly_folded(table: Table) -> Examination:
    columns = table.c

    async def find(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
        page = select(columns.id, columns.name, columns.folded_name).where(columns.store_id == scope.store_id)
        page = page.order_by(columns.id).limit(_ROWS_AT_ONCE)
        wrong: list[str] = []
        total = 0
        rows = (await tx.execute(page)).all()
        while rows:
            wrong_ids = [row.id for row in rows if row.folded_name != folded_name(row.name)]
            total += len(wrong_ids)
            wrong += [f"id={id_}" for id_ in wrong_ids[: MAX_NAMED - len(wrong)]]
            rows = (await tx.execute(page.where(columns.id > rows[-1].id))).all()
        problem = f"{table.name} are searched and sorted by another name than theirs"
        return [Finding(problem, scope.store_id, tuple(wrong), total)] if total else []

    return Examination(find, [table])


DATA_CHECKS = (
    DataCheck(
        "names",
        "names are found by what they are",
        "save what is named again with its name, which folds it anew",
        [_wrongly_folded(table) for table in (customers, segments, lists, campaigns)],
        each_store=True,
    ),
)
