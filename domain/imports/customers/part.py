"""A part of an import's staged customers: rows of which no two name one customer by a key."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, and_

from domain.imports.format import ImportKey
from domain.imports.tables import import_customers

_staged = import_customers.c


@dataclass(frozen=True, slots=True)
class Part:
    key: ImportKey
    number: int

    @property
    def store_id(self) -> int:
        return self.key.store_id

    @property
    def rows(self) -> ColumnElement[bool]:
        return and_(self.key.matches(_staged), _staged.part == self.number)


@dataclass(frozen=True, slots=True)
class StagedCustomers:
    """A part's rows with the number of each one's customer.

    `added`: whether the customer is new; None when all of them are.
    """

    part: Part
    source: FromClause
    id: ColumnElement[int]
    added: ColumnElement[bool] | None

    @property
    def store_id(self) -> int:
        return self.part.store_id

    @property
    def rows(self) -> ColumnElement[bool]:
        return self.part.rows

    @property
    def all_new(self) -> bool:
        return self.added is None

    @property
    def new_rows(self) -> ColumnElement[bool]:
        return self.rows if self.added is None else and_(self.rows, self.added)
