"""Files of customers and of their orders, in pieces so small that every file has several: each row comes in once."""

from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from domain.imports import actions
from domain.imports.model import ImportKind
from domain.kit.db import Transaction
from domain.orders import facts, favourites
from tests.simulation.database import SimulatedDatabase
from tests.simulation.stories.story import Story

PIECE_BYTES = 90
ROWS_AT_ONCE = 3


class ImportsStory(Story):
    name = "imports"

    async def prepare(self, tx: Transaction) -> None:
        chance = self.world.chance
        numbers = [chance.randrange(8) for _ in range(chance.randint(1, 9))]
        # A later row of a customer goes over an earlier one.
        self._names = {f"i{number}": f"Name {row}" for row, number in enumerate(numbers)}
        self._customer_rows = len(numbers)
        # A property of which nothing is known has the file staged first.
        header, last = chance.choice([("", ""), (",property.size", ",1")])
        rows = [f"i{number},Name {row},SUBSCRIBED{last}" for row, number in enumerate(numbers)]
        self._customer_file = "\n".join([f"external_id,name,consent.email{header}", *rows, ""]).encode()
        # The rows of an order are its items; some are of nobody.
        owners = [chance.choice([*self._names, "nobody"]) for _ in range(6)]
        items = [(chance.randrange(6), chance.randint(1, 50)) for _ in range(chance.randint(1, 9))]
        rows = [
            f"o{order},{owners[order]},2026-06-0{1 + order}T00:00:00Z,p{price % 3},{price}" for order, price in items
        ]
        self._order_file = "\n".join(["order_id,customer_external_id,placed_at,product,price", *rows, ""]).encode()
        self._order_rows = len(items)
        self._totals: dict[str, int] = {}
        for order, price in items:
            if owners[order] != "nobody":
                self._totals[f"o{order}"] = self._totals.get(f"o{order}", 0) + price
        self._accepted: dict[ImportKind, UUID] = {}

    def clients(self, database: SimulatedDatabase) -> Sequence[Coroutine[Any, Any, None]]:
        return [self._send_files(database)]

    async def _send_files(self, database: SimulatedDatabase) -> None:
        await self._send(database, ImportKind.CUSTOMERS, self._customer_file)
        while self._status(self._accepted[ImportKind.CUSTOMERS]) in {"QUEUED", "RUNNING"}:
            await self.world.pause(20)
        await self._send(database, ImportKind.ORDERS, self._order_file)

    async def _send(self, database: SimulatedDatabase, kind: ImportKind, content: bytes) -> None:
        """Upload a file, all anew when that fails: perhaps it had come whole before."""

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        while kind not in self._accepted:
            try:
                file = actions.IncomingFile(kind, chunks())
                operation = await actions.take_in(database, self.store_id, file, self.world.now())
                if self.world.chance.random() < 0.15:
                    await self._abandon(database, operation.id)
                    continue
            except SQLAlchemyError:
                await self.world.pause(20)
            else:
                self._accepted[kind] = operation.id

    async def _abandon(self, database: SimulatedDatabase, operation_id: UUID) -> None:
        """Do what `take_in` does when it gets no answer to the last piece: a worker may be at the file."""
        await self.world.pause(2)
        async with database.write() as tx:
            await actions.abandon(tx, self.store_id, operation_id, self.world.now())

    def _status(self, operation_id: UUID) -> str:
        return str(self.world.storage.value("SELECT status FROM operations WHERE id = ?", operation_id.bytes))

    async def judge(self, tx: Transaction) -> None:
        storage = self.world.storage
        if mismatched := await facts.mismatches(tx, self.store_id):
            self.wrong(f"the facts of {mismatched} are not what their orders give")
        if uncounted := (await tx.execute(favourites.mismatched(self.store_id))).all():
            self.wrong(f"the favourites {uncounted} are not what their items give")
        whole = {
            ImportKind.CUSTOMERS: self._judge_operations(ImportKind.CUSTOMERS, self._customer_rows),
            ImportKind.ORDERS: self._judge_operations(ImportKind.ORDERS, self._order_rows),
        }
        if whole[ImportKind.CUSTOMERS]:
            self._judge_customers()
            if whole[ImportKind.ORDERS]:
                self._judge_orders(self._accepted[ImportKind.ORDERS])
        for table in ("import_customers", "import_order_rows", "import_orders", "import_matches"):
            if count := storage.value(f"SELECT count(*) FROM {table} WHERE store_id = ?", self.store_id):
                self.wrong(f"{count} rows are left in {table}")

    def _judge_operations(self, kind: ImportKind, rows: int) -> bool:
        """Check every upload of the file. Return whether what is stored must be the whole file."""
        statement = "SELECT id, status, done, total FROM operations WHERE store_id = ? AND kind = ?"
        statuses: dict[bytes, str] = {}
        for operation_id, status, done, total in self.world.storage.rows(statement, self.store_id, kind.job):
            statuses[operation_id] = status
            if status == "DONE" and (done, total) != (rows, rows):
                self.wrong(f"the {kind} are done with {done} of {total} of {rows} rows")
        status = statuses[self._accepted[kind].bytes]
        if status != "DONE" and not (status == "FAILED" and self.world.faults.happened):
            self.wrong(f"the {kind} are {status}")
        # What was given up amid the same file may have been the last to write.
        return set(statuses.values()) == {"DONE"}

    def _judge_customers(self) -> None:
        statement = "SELECT external_id, name FROM customers WHERE store_id = ? AND external_id LIKE 'i%'"
        stored = self.world.storage.rows(statement, self.store_id)
        if sorted(stored) != sorted(self._names.items()):
            self.wrong(f"the file has {sorted(self._names.items())}, the store {sorted(stored)}")

    def _judge_orders(self, operation_id: UUID) -> None:
        storage = self.world.storage
        stored = storage.rows(
            "SELECT id, total / 10000 FROM orders WHERE store_id = ? AND source = 'import'", self.store_id
        )
        if sorted(stored) != sorted(self._totals.items()):
            self.wrong(f"the orders are {sorted(self._totals.items())}, the store has {sorted(stored)}")
        problems = storage.value("SELECT count(*) FROM operation_problems WHERE operation_id = ?", operation_id.bytes)
        unknown = self._order_file.count(b",nobody,")
        if problems != unknown:
            self.wrong(f"{problems} problems of {unknown} rows that are nobody's")
