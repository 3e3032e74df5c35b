"""Folds rows of one customer into one, and puts apart those that may be of one customer through different keys."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.customers.identity import Identifiers, NamedKeys

# What a row says, by slot; None where it says nothing.
RowValues = list[Any]


@dataclass(slots=True)
class FoldedRow:
    """A row with those that were folded into it: its number in the file is the first one's.

    `turn`: rows of one turn have no customer in common that their keys would show, and are merged together, after
    those of the turns before.
    """

    number: int
    turn: int
    named: Identifiers
    values: RowValues


class Fold:
    """The rows of a part of a file, in the order of the file. `fold` writes a later row into an earlier one."""

    def __init__(self, fold: Callable[[RowValues, RowValues], None]) -> None:
        self.rows: list[FoldedRow] = []
        self._fold = fold
        # By what a row is foremost known by: its external id, else its e-mail address, else its phone number.
        self._last: dict[tuple[int, str | None], FoldedRow] = {}
        self._turns: list[NamedKeys] = [NamedKeys()]

    @property
    def turns(self) -> int:
        return len(self._turns)

    def add(self, number: int, named: Identifiers, values: RowValues) -> None:
        key: tuple[int, str | None]
        if named.external_id is not None:
            key = (0, named.external_id)
        else:
            key = (2, named.phone) if named.email is None else (1, named.email)
        before = self._last.get(key)
        turn = self._first_turn(named)
        if before is not None:
            # The first row's keys find the customer: one that names others is looked for after it was saved.
            says_the_same = named.email in {None, before.named.email} and named.phone in {None, before.named.phone}
            if says_the_same and turn <= before.turn and self._first_turn(before.named) <= before.turn:
                self._fold(before.values, values)
                return
            turn = max(turn, before.turn + 1)
        if turn == len(self._turns):
            self._turns.append(NamedKeys())
        self._turns[turn].add(named)
        row = FoldedRow(number, turn, named, values)
        self._last[key] = row
        self.rows.append(row)

    def _first_turn(self, named: Identifiers) -> int:
        """Return the turn after the last one with a row that may be of this one's customer, and is not folded."""
        for turn in range(len(self._turns) - 1, -1, -1):
            if self._turns[turn].may_share(named, folded=True):
                return turn + 1
        return 0
