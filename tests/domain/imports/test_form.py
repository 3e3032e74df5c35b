"""Files come in as people's programs write them: any encoding, separator and line end, with what spreadsheets leave."""

import csv
import random
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from domain.customers.tables import customers
from domain.imports import actions, csv_reader
from domain.imports.csv_reader import Form
from domain.imports.encodings import Encoding, detect
from domain.imports.model import ImportKind
from domain.kit.db import Database
from tests.domain.imports.files import bring_in, problems_of

NAMES = {
    Encoding.BIG5: ["王小明", "陳美玲", "林志豪", "黃淑芬", "張雅婷", "台北市"],
    Encoding.GB18030: ["张伟", "王芳", "李娜", "刘洋", "陈静", "北京市"],
    Encoding.SHIFT_JIS: ["山田太郎", "佐藤さくら", "鈴木ケンジ", "髙橋 はな", "東京都"],
    Encoding.WINDOWS_1252: ["Zoë", "Müller", "José Núñez", "Åse", "Zoë Åse", "Strauß"],
    Encoding.UTF_8: ["Zoë", "王小明", "山田太郎", "Ελένη", "😀"],
}


async def imported(
    database: Database, store_id: int, content: bytes
) -> tuple[list[tuple[object, ...]], list[tuple[int | None, str]]]:
    """Return what the file brought, and the problems that were told."""
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, content)
    columns = (customers.c.external_id, customers.c.name, customers.c.email)
    async with database.read() as tx:
        rows = await tx.execute(select(*columns).where(customers.c.store_id == store_id).order_by(*columns))
    problems = [(problem.row, problem.message) for problem in await problems_of(database, done)]
    return [tuple(row) for row in rows], problems


ANN = [("c1", "Ann", "ann@mail.example")]


@pytest.mark.parametrize(
    "content",
    [
        b"external_id;name;email\nc1;Ann;ann@mail.example\n",
        b"external_id|name|email\nc1|Ann|ann@mail.example\n",
        b"sep=;\r\nexternal_id;name;email\r\nc1;Ann;ann@mail.example\r\n",
        b'"sep=\t"\nexternal_id\tname\temail\nc1\tAnn\tann@mail.example\n',
        "external_id\tname\temail\nc1\tAnn\tann@mail.example\n".encode("utf-16"),
        "external_id,name,email\r\nc1,Ann,ann@mail.example\r\n".encode("utf-16-be"),
        "\ufeff\ufeffexternal_id,name,email\nc1,Ann,ann@mail.example\n".encode(),
        b"\r\n\r\n,,\r\nexternal_id,name,email\r\nc1,Ann,ann@mail.example\r\n",
        b"external_id,name,email,,\nc1,Ann,ann@mail.example,,\n,,,,\n,,,,\n",
        b"external_id,,name,email\nc1,,Ann,ann@mail.example\n",
        b"external_id,name,email\rc1,Ann,ann@mail.example",
    ],
    ids=[
        "semicolons", "bars", "sep line", "quoted sep line", "UTF-16 with tabs", "UTF-16 without a mark", "two marks",
        "blank lines first", "what Excel leaves", "an empty column", "carriage returns",
    ],
)  # fmt: skip
async def test_a_file_is_read_as_it_is_written(database: Database, store_id: int, content: bytes) -> None:
    assert await imported(database, store_id, content) == (ANN, [])


async def test_what_a_short_row_lacks_is_empty(database: Database, store_id: int) -> None:
    content = b"external_id,name,email\nc1,Ann,ann@mail.example\nc2,Ben\nc3\n"
    assert await imported(database, store_id, content) == ([*ANN, ("c2", "Ben", None), ("c3", None, None)], [])


async def test_a_row_with_values_beyond_the_header_is_told(database: Database, store_id: int) -> None:
    content = b"external_id,name,email\nc1,Ann,ann@mail.example,,\nc2,Ben, Jr.,ben@mail.example\n"
    rows, problems = await imported(database, store_id, content)
    assert (rows, problems) == (ANN, [(3, "The row has 4 cells where the header has 3")])


async def test_values_in_a_column_without_a_name_are_told_once(database: Database, store_id: int) -> None:
    content = b"external_id,name,,email\nc1,Ann,x,ann@mail.example\nc2,Ben,y,\n"
    rows, problems = await imported(database, store_id, content)
    assert rows == [*ANN, ("c2", "Ben", None)]
    assert problems == [(2, "Column 3 has no name: its values are left out")]


async def test_a_row_by_another_separator_than_the_header_is_told(database: Database, store_id: int) -> None:
    content = "external_id\tname\temail\nc1\tAnn\tann@mail.example\nc2,Ben,\n".encode("utf-16")
    rows, problems = await imported(database, store_id, content)
    assert rows == ANN
    assert problems == [(3, "The row seems to be separated by commas, where the header is by tabs")]


async def test_a_quote_that_never_closes_takes_no_other_row_along(database: Database, store_id: int) -> None:
    more = b"".join(b"d%d,Dan,\n" % number for number in range(3))
    content = b'external_id,name,email\nc1,Ann,ann@mail.example\nc2,"Ben,\nc3,"Cy"x,\n' + more
    rows, problems = await imported(database, store_id, content)
    assert rows == [*ANN, *((f"d{number}", "Dan", None) for number in range(3))]
    assert [row for row, _ in problems] == [3, 4]
    assert problems[0][1].startswith("The row is no CSV")


async def test_a_quote_that_is_open_at_the_end_names_its_row(database: Database, store_id: int) -> None:
    filler = b"".join(b"d%d,%s,\n" % (number, b"n" * 190) for number in range(12_000))
    content = b'external_id,name,email\nc1,Ann,ann@mail.example\nc2,"Ben,\n' + filler
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, content)
    assert [(problem.row, problem.message) for problem in await problems_of(database, done)] == [
        (3, "A quoted value that begins here never ends")
    ]
    assert done.done == 12_002


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
async def test_the_same_rows_in_any_encoding_and_separator(
    database: Database, store_id: int, encoding: Encoding, separator: str
) -> None:
    names = NAMES[encoding]
    content = table(
        [("external_id", "name", "email"), *((f"c{i}", name, "") for i, name in enumerate(names))], separator
    )
    rows, problems = await imported(database, store_id, content.encode(encoding.codec))
    assert (rows, problems) == ([(f"c{i}", name, None) for i, name in enumerate(names)], [])


async def test_an_encoding_that_is_given_is_not_guessed(database: Database, store_id: int) -> None:
    content = "external_id,name\nc1,蔡刚\n".encode("gb18030")
    actions.check_start(content, ImportKind.CUSTOMERS, Encoding.GB18030)
    read = csv_reader.read(content, 1, Form(Encoding.GB18030), final=True)
    assert read.rows[1] == ["c1", "蔡刚"]


async def test_a_letter_at_the_very_end_tells_the_encoding_too(database: Database, store_id: int) -> None:
    """As the beginning of a character of UTF-8 that does not come, it would be no text."""
    content = "external_id,email,name\nc1,ann@mail.example,Zoë".encode("cp1252")
    assert await imported(database, store_id, content) == ([("c1", "Zoë", "ann@mail.example")], [])


async def test_the_encoding_may_show_in_a_later_piece(database: Database, store_id: int) -> None:
    """UTF-8 and Windows-1252 are equal until the first accent, which may be megabytes away."""
    filler = b"".join(b"d%d,%s\n" % (number, b"n" * 190) for number in range(8_000))
    content = b"external_id,name\n" + filler + "c1,Zoë\n".encode("cp1252")
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, content)
    assert await problems_of(database, done) == []
    async with database.read() as tx:
        assert await tx.scalar(select(customers.c.name).where(customers.c.external_id == "c1")) == "Zoë"


def table(rows: list[tuple[str, ...]], separator: str) -> str:
    text = StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("encoding", NAMES)
def test_three_rows_suffice_to_know_an_encoding(encoding: Encoding) -> None:
    chance = random.Random(7)
    for _ in range(50):
        names = chance.choices(NAMES[encoding], k=3)
        content = "".join(f"c{i},{name}\n" for i, name in enumerate(names)).encode(encoding.codec)
        assert content.isascii() or detect([content]) is encoding, names


CELLS = st.text(st.sampled_from('abé王"\n\r,; '), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8), st.data())
def test_pieces_of_any_size_give_the_same_records(rows: list[list[str]], data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from([Encoding.UTF_8, Encoding.UTF_16_LE, Encoding.GB18030]))
    separator = data.draw(st.sampled_from(",;"))
    # As spreadsheets do: no value begins with the mark of an encoding, and no row is blank.
    text = StringIO()
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(rows)
    content = text.getvalue().encode(encoding.codec)
    form = Form(encoding, separator)
    read: list[list[str]] = []
    rest = b""
    while content:
        size = data.draw(st.integers(1, len(content)))
        piece, content = content[:size], content[size:]
        records = csv_reader.read(rest + piece, len(read) + 1, form, final=not content)
        assert records.faults == {}
        read += records.rows
        rest = (rest + piece)[records.byte_length :]
    assert (read, rest) == (rows, b"")
