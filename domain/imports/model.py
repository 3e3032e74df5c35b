"""What a file may hold, and what is to be done with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.kit.values import ValueType

PIECE = 1 << 20
MAX_PROBLEMS = 1_000


class ImportKind(StrEnum):
    CUSTOMERS = "customers"
    ORDERS = "orders"

    @property
    def job(self) -> str:
        return f"import.{self.value}"


ORDER_FIELDS = (
    "order_id", "customer_external_id", "placed_at", "status", "total", "product", "name", "category", "brand",
    "quantity", "price",
)  # fmt: skip


class Phase(StrEnum):
    STAGE = "stage"
    MERGE = "merge"


@dataclass(slots=True)
class Progress:
    """How far an import is."""

    phase: Phase = Phase.STAGE
    # Where the next record begins, and which row of the file it is.
    piece: int = 1
    offset: int = 0
    row: int = 1
    bytes_done: int = 0
    columns: list[str] = field(default_factory=list[str])
    bad: int = 0
    # What the values of each undefined property can all be read as.
    types: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    part: int = 0
    merged_part: int = 0
    customer: str = ""
    merged: int = 0

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Progress":
        progress = cls(**kept)
        progress.phase = Phase(progress.phase)
        return progress


def inferred(candidates: Sequence[str]) -> ValueType:
    """The narrowest type that every value of a column has; no value has all of them."""
    if len(candidates) == len(ValueType):
        return ValueType.STRING
    order = (ValueType.BOOLEAN, ValueType.NUMBER, ValueType.DATE, ValueType.DATETIME)
    return next((kind for kind in order if kind in candidates), ValueType.STRING)
