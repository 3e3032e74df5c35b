"""Every check of the doctor, in the order in which it looks.

A new table is named by a check of its data, in the first place by what its rows belong to: `REFERENCES` in
references.py.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Table
from sqlalchemy.sql.visitors import iterate

from api.doctor import (
    campaigns,
    configuration,
    connections,
    customers,
    filters,
    installation,
    jobs,
    names,
    operations,
    references,
    schema,
    segments,
    stores,
    values,
)
from api.doctor.check import CheckScope, DataCheck, Examination, ProcessCheck

PROCESS_CHECKS: Sequence[ProcessCheck] = (*configuration.PROCESS_CHECKS, *connections.PROCESS_CHECKS)
DATA_CHECKS: Sequence[DataCheck] = (
    *connections.DATA_CHECKS,
    *installation.DATA_CHECKS,
    *schema.DATA_CHECKS,
    *configuration.DATA_CHECKS,
    *references.DATA_CHECKS,
    *values.DATA_CHECKS,
    *stores.DATA_CHECKS,
    *customers.DATA_CHECKS,
    *names.DATA_CHECKS,
    *filters.DATA_CHECKS,
    *segments.DATA_CHECKS,
    *campaigns.DATA_CHECKS,
    *operations.DATA_CHECKS,
    *jobs.DATA_CHECKS,
)


def tables_looked_at(scope: CheckScope) -> Iterator[Table]:
    """Yield the tables that checks of data compare, by their statements or by what they say of themselves."""
    for check in DATA_CHECKS:
        for part in check.parts:
            if isinstance(part, Examination):
                yield from part.tables
            elif (rows := part.rows(scope)) is not None:
                yield from (element for element in iterate(rows) if isinstance(element, Table))
