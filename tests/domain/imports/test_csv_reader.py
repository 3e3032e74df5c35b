"""What may be wrong with a file as a whole is said of it, and then nothing has changed."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select

from domain.customers.tables import customers
from domain.imports import actions
from domain.imports.model import ImportKind
from domain.imports.tables import STAGED, imports, uploads
from domain.jobs.tables import jobs
from domain.kit.db import Database
from domain.kit.errors import DomainError
from domain.operations.tables import operation_problems, operations
from tests.domain.imports.files import bring_in, problems_of
from tests.factories import NOW

HEADER = b"external_id,name\n"
COUNT = 12_000
ROWS = b"".join(b"c%d,%s\n" % (at, b"n" * 190) for at in range(COUNT))


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        (b"\x89PNG\r\n\x00\x00", "not text"),
        (b"name,city\nAnn,Taipei\n", "external_id, email or phone"),
        (b"external_id,name,name\n", "comes twice"),
        (b"external_id,consent.E-Mail\n", "consent.E-Mail"),
        (b"x" * (2 << 20), "No header was found"),
        (b"external_id" + b",name" * 1_000, "1,001 columns: 1,000 at most"),
        (b'"external_id\n', "A quoted value that begins here never ends"),
        # Counted, not compared with each other: a thousand times a thousand would stop the server for minutes.
        (
            b"external_id," + b",".join(b"property.p%d" % n for n in range(60_000)) + b"\n",
            "60,001 columns: 1,000 at most",
        ),
        (b"," * 1_000_000, "No header was found"),
        (b"\r" * 1_000_000 + b"\xe9", "No header was found"),
    ],
)
def test_a_wrong_start_is_answered_at_once(start: bytes, said: str) -> None:
    with pytest.raises(DomainError, match=said) as error:
        actions.check_start(start, ImportKind.CUSTOMERS)
    assert error.value.field == ("file",)


def test_orders_need_their_ids() -> None:
    with pytest.raises(DomainError, match="'order_id' is missing"):
        actions.check_start(b"customer_external_id,placed_at\n", ImportKind.ORDERS)


@pytest.mark.parametrize(
    ("tail", "row", "said"),
    [
        ("c,café\n".encode() * 9 + b"c,caf\xe9\n", COUNT + 11, "0xE9 is not UTF-8"),
        (b"c,a\0b\n", COUNT + 2, "NUL"),
        (b"c," + b"x" * (5 << 20) + b"\n", COUNT + 2, "1 MiB"),
    ],
    ids=["encoding", "nul", "long line"],
)
async def test_a_file_that_breaks_in_the_middle_changes_nothing(
    database: Database, store_id: int, tail: bytes, row: int, said: str
) -> None:
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, HEADER + ROWS + tail)
    (problem,) = await problems_of(database, done)
    assert (done.status, problem.row) == ("FAILED", row)
    assert said in problem.message
    async with database.read() as tx:
        for table in (customers, imports, uploads, *STAGED):
            assert await tx.scalar(select(func.count()).select_from(table)) == 0


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
async def test_any_usual_file_comes_in(database: Database, store_id: int, ends: bytes, bom: bytes) -> None:
    lines = [b"external_id,name,city", 'c1,"Müller, Ann",高雄'.encode(), b"", b'c2,"say ""hi""",x', b"c3,,"]
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, bom + ends.join(lines))
    assert await problems_of(database, done) == []
    async with database.read() as tx:
        rows = await tx.execute(
            select(customers.c.external_id, customers.c.name, customers.c.city).order_by(customers.c.external_id)
        )
        assert [tuple(row) for row in rows] == [
            ("c1", "Müller, Ann", "高雄"),
            ("c2", 'say "hi"', "x"),
            ("c3", None, None),
        ]


async def test_a_record_may_lie_across_pieces(database: Database, store_id: int) -> None:
    body = b"".join(b'c%d,"%s"\n' % (at, b"n" * (at % 150)) for at in range(20_000))
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, HEADER + body)
    assert await problems_of(database, done) == []
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(customers)) == 20_000
        name = await tx.scalar(select(customers.c.name).where(customers.c.external_id == "c19999"))
    assert name == "n" * (19_999 % 150)


async def test_a_gigabyte_in_one_line_is_refused_from_its_first_piece(database: Database, store_id: int) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1 << 30:
            sent += 1 << 20
            yield b"x" * (1 << 20)

    with pytest.raises(DomainError, match="No header"):
        await actions.take_in(database, store_id, actions.IncomingFile(ImportKind.CUSTOMERS, endless()), NOW)
    assert sent <= 3 << 20


class Disconnected(Exception):
    """The client has gone."""


async def test_a_file_that_does_not_come_whole_fails_and_leaves_nothing(database: Database, store_id: int) -> None:
    async def cut_off() -> AsyncIterator[bytes]:
        yield HEADER + b"c1,Ann\n" * 400_000
        raise Disconnected

    with pytest.raises(Disconnected):
        await actions.take_in(database, store_id, actions.IncomingFile(ImportKind.CUSTOMERS, cut_off()), NOW)
    async with database.read() as tx:
        [operation] = (await tx.execute(select(operations))).all()
        messages = list((await tx.execute(select(operation_problems.c.message))).scalars())
        left = [await tx.scalar(select(func.count()).select_from(table)) for table in (imports, uploads, jobs)]
    assert (operation.status, operation.finished_at) == ("FAILED", NOW)
    assert messages == ["The file did not come whole"]
    assert left == [0, 0, 0]


async def test_a_small_file_that_does_not_come_whole_was_never_there(database: Database, store_id: int) -> None:
    async def cut_off() -> AsyncIterator[bytes]:
        yield HEADER
        raise Disconnected

    with pytest.raises(Disconnected):
        await actions.take_in(database, store_id, actions.IncomingFile(ImportKind.CUSTOMERS, cut_off()), NOW)
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(operations)) == 0
