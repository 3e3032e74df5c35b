"""Files that are not what they say, or hold what does harm: uploads and exports (S8, S17)."""

import csv
import io
import json
import tarfile
import zipfile
import zlib

import pytest

from tests.hostile.doors import Answer, Doors
from tests.hostile.target import OURS, Target, finish

CELLS = (
    "=cmd|'/c calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "=HYPERLINK(\"https://evil.example\")",
    "\r=1+1",
    "\n=1+1",
)  # fmt: skip


def packed(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    return f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "ha">{levels}]><l>&l9;</l>'.encode()


def sheet(rows: bytes, strings: bytes = b"<sst/>") -> bytes:
    """Return a workbook whose one sheet has these rows."""
    main, rel = (
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns:r="{rel}"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>'
        )
        links = f'<Relationship Id="r1" Type="{rel}/worksheet" Target="sheet.xml"/><Relationship Id="r2" Type="{rel}/sharedStrings" Target="strings.xml"/>'
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>")
        archive.writestr("xl/sheet.xml", b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (main, rows))
        archive.writestr("xl/strings.xml", strings)
    return file.getvalue()


def cells(*values: str) -> bytes:
    return b"<row>%s</row>" % "".join(f'<c t="str"><v>{value}</v></c>' for value in values).encode()


def archive_of_many() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(10_000):
            archive.writestr(f"xl/{number}", b"")
        archive.writestr("xl/workbook.xml", b"")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../muster.db"))
    return file.getvalue()


# Seconds of CPU for a file of a megabyte, on a thread beside that of the requests.
IMPORTED = 2.0

# What no import can begin with.
REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" \n" * 100_000,
    "a mark alone": b"\xef\xbb\xbf",
    "UTF-32": "external_id,name\n1,x\n".encode("utf-32"),
    "UTF-7": b"+AGUAeAB0-,name\n1,x\n",
    "a bomb of zip": packed("customers.csv", b"0" * 50_000_000),
    "XLSX of laughs": packed("xl/workbook.xml", laughs()),
    "XLSX of 10,000 parts": archive_of_many(),
    "XLSX of another sheet's bytes": sheet(b"\xed\xa0\x80"),
    "XLSX of a surrogate": sheet(b'<row><c t="str"><v>&#xD800;</v></c></row>'),
    "XLSX of a NUL": sheet(b'<row><c t="str"><v>\0</v></c></row>'),
    "XLSX of an empty sheet": sheet(b"<row/>" * 100),
    "XLSX of 10,000 columns": sheet(cells(*(f"property.p{n}" for n in range(10_000)))),
    "XLSX of a column beyond all": sheet(b'<row><c r="ZZZZZ1"><v>1</v></c></row>'),
    "XLSX that is cut off": sheet(cells("external_id", "name"))[:300],
    "XLS": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(10_000),
    "ODS": packed("content.xml", b"<x/>"),
    "PDF": b"%PDF-1.7\n" + bytes(10_000),
    "gzip": b"\x1f\x8b\x08" + bytes(10_000),
    "10,000 columns": b"external_id" + b",name" * 9_999 + b"\n1\n",
    "a column of two megabytes": b'external_id,"' + b"x" * 2_000_000 + b'"\n',
    "laughs": laughs(),
    "an external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "zlib": zlib.compress(b"0" * 50_000_000),
    "tar": tarred(),
    "HTML": b"<script>alert(1)</script>",
    "an image": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "NULs": b"\0" * 1_000_000,
    "a header of commas": b"," * 1_040_000,
    "a header of one letter's columns": b"a," * 500_000,
    "a header of as many columns as fit": b",".join(b"%x" % n for n in range(180_000)),
    "a header of as many properties as fit": b"external_id," + b",".join(b"property.p%d" % n for n in range(60_000)),
    "a header without end": b"external_id" * 200_000,
    "a header of quotes": b'"' * 1_000_001,
    "a header of line ends": b"\r" * 1_000_000 + b"x",
    "a header of records' ends": b"\x1e\x1e",
    "a column of a statement": b"external_id,name); DROP TABLE customers;--\n1,x\n",
    "a column twice": b"external_id,name,name\n1,x,y\n",
}
# What is taken in, and ends with a word for each row that is wrong.
TAKEN: dict[str, bytes] = {
    "Shift JIS": "external_id,名前\n".encode("shift-jis"),
    "XLSX of a column that is unknown": sheet(cells("external_id", "../../etc/passwd")),
    "a surrogate in the header": b"external_id,\xed\xa0\x80\n1,x\n",
    "a column of a path": b"external_id,../../etc/passwd\n1,x\n",
    "a column of a class": b"external_id,property.__class__\n1,x\n",
    "a column of turned letters": "external_id,\u202eeman\n1,x\n".encode(),
    "no row": b"external_id\n",
    "surrogates": b"external_id,name\n1,\xed\xa0\x80\n2,\xed\xb0\x80x\n",
    "a surrogate among names": b"external_id,name\n" + "1,王小明\n".encode() * 100 + b"2,\xed\xa0\x80\n",
    "UTF-16 with an odd byte at its end": "external_id,name\n1,x\n".encode("utf-16") + b"1",
    "UTF-16 of half a character": "external_id,name\n1,".encode("utf-16") + b"\x00\xd8,\x00x\x00\n\x00",
    "a mark in the middle": "external_id,name\n1,a\ufeffb\n\ufeff2,c\n".encode(),
    "a line of two megabytes": b"external_id,name\n1,x\n2," + b"y" * 2_000_000 + b"\n3,z\n",
    "a row of 10,000 cells": b"external_id,name\n1,x" + b",y" * 10_000 + b"\n2,z\n",
    "a hundred thousand rows of empty cells": b"external_id,name\n" + b",,,,,,\n" * 100_000,
    "quotes that never close": b"external_id,name\n" + b'1,"a\n2,b\n' * 20_000,
    "XLSX": sheet(cells("external_id", "name") + cells("1", "x") + cells("2") + cells("", "y")),
    "XLSX of errors": sheet(cells("external_id", "name") + b'<row><c t="e"><v>#N/A</v></c><c t="e"><v>#REF!</v></c></row>' * 3_000),
    "XLSX of formulas": sheet(cells("external_id", "name") + b'<row><c t="str"><f>HYPERLINK(1)</f><v>=cmd|calc</v></c></row>'),
    "XLSX of escapes": sheet(cells("external_id", "name") + cells("1", "_x0000__xD800__x000A_") * 10),
    "XLSX that breaks behind its header": sheet(cells("external_id", "name") + cells("1", "x") * 40_000 + b"<row><c"),
    "XLSX of a row beyond all": sheet(cells("external_id") + b'<row r="1048577"/>'),
    "XLSX of a million empty rows": sheet(cells("external_id") + b'<row r="1048576"><c><v>1</v></c></row>'),
    "XLSX of a text that is not there": sheet(cells("external_id") + b'<row><c t="s"><v>9999999</v></c></row>'),
    "XLSX of one long text": sheet(cells("external_id", "name") + b'<row><c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>' * 20, b"<sst><si><t>" + b"x" * 600_000 + b"</t></si></sst>"),
    "a million empty lines": b"external_id\n" + b"\n" * 1_000_000,
    "a million empty lines and a byte that is no text": b"external_id\n" + b"\r" * 1_000_000 + b"\xff",
    "rows of other lengths": b"external_id,name\n" + b"1\n2,x,y\n,,,,\n" * 500,
    "a cell of a megabyte": b"external_id,name\n1," + b"x" * 1_000_000 + b"\n",
    "a cell without end": b'external_id,name\n1,"' + b"x" * 3_000_000,
    "a line without end": b"external_id,name\n1," + b"x" * 3_000_000,
    "quotes in quotes": b"external_id,name\n" + b'1,"a""b"\n2,a"b\n3,"a"b\n' * 300,
    "a NUL": b"external_id,name\n1,a\0b\n",
    "bytes that are no text": b"external_id,name\n1,\xff\xfe\n",
    "half a letter": b"external_id,name\n1,\xe3\x81\n",
    "line ends of all kinds": b"external_id,name\r1,a\n2,b\r\n3,c\n\r4,d\x0b\x0c\x1c\x1d\x1e\x85",
    "records' ends": b"external_id,name\n1,\x1e\x1e\n\x1e\x1e",
    "formulas": ("external_id,name\n" + "".join(f'f{n},"{cell.replace(chr(34), chr(34) * 2)}"\n' for n, cell in enumerate(CELLS))).encode(),
    "turned letters": "external_id,name\n1,\u202e\u2066abc\u200b\u200d\ufeff\n".encode(),
    "templates": b"external_id,name\n1,{{ 7*7 }}{% for a in a %}\n",
    "markup": b"external_id,name\n1,<img src=x onerror=alert(1)>\n",
    "headers": b"external_id,email\n1,\"x@shop.example\nBcc: y@shop.example\"\n2,a@x>,<b@y\n3,\"a@x, b@y\"\n",
    "paths": b"external_id,name\n../../1,../../etc/passwd\n",
    "a statement": b"external_id,name\n1,'); DROP TABLE customers;--\n",
    "one customer a thousand times": b"external_id,name\n" + b"same,x\n" * 1_000,
    "as many tags as fit": b"external_id,tags\n1," + b";".join(b"t%d" % n for n in range(100_000)) + b"\n",
    "wrong in every row": b"external_id,birthday,phone,country,locale\n" + b"1,x,x,x,x\n" * 2_000,
    "numbers beyond all": b"external_id,property.n\n1," + b"9" * 100_000 + b"\n2,1e999\n3,nan\n",
    "instants beyond all": b"external_id,registered_at\n1,9999-12-31T23:59:59-23:59\n2,0001-01-01T00:00:00+23:59\n",
    "a phone of digits": b"external_id,phone,country\n1," + b"9" * 100_000 + b",TW\n2,+" + b"1" * 250 + b",\n",
    "an address of dots": b"external_id,email\n1," + b"a." * 50_000 + b"@x.example\n2,a@" + b"x." * 50_000 + b"\n",
    "combining marks": b"external_id,name\n1,e" + "\u0301".encode() * 100_000 + b"\n",
}  # fmt: skip


def imported(doors: Doors, content: bytes, *, kind: str = "customersImport") -> Answer:
    """Import the file, and return what became of it."""
    answer = doors.upload(kind, content)
    payload = answer.json["data"][kind]
    if payload["userErrors"]:
        return answer
    return Answer(200, json.dumps(finish(doors, payload["operation"]["id"])))


@pytest.mark.parametrize("kind", ["customersImport", "ordersImport"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_none_is_refused_at_once(target_server: Target, name: str, kind: str) -> None:
    answer = target_server.kept(lambda: target_server.doors.upload(kind, REFUSED[name]))
    assert (answer.status, answer.codes) in [(200, ["INVALID"]), (200, ["LIMIT_EXCEEDED"])], answer.body[:1_000]
    assert answer.json["data"][kind]["operation"] is None


@pytest.mark.parametrize("name", TAKEN)
def test_a_file_with_anything_in_it_is_imported_as_far_as_it_goes(target_server: Target, name: str) -> None:
    answer = target_server.kept(lambda: imported(target_server.doors, TAKEN[name]), cpu=IMPORTED)
    assert answer.codes in ([], ["INVALID"]), answer.body[:1_000]
    assert len(answer.body) < 500_000
    target_server.promises.settle()


ORDERS = "order_id,customer_external_id,placed_at,total,product,quantity,price\n"
ORDER_ROWS = {
    "totals beyond all": f"1,{OURS},2026-01-01T00:00:00Z," + "9" * 10_000 + ",a,1,1\n",
    "totals that are none": f"1,{OURS},2026-01-01T00:00:00Z,NaN,a,Infinity,-0\n",
    "quantities beyond all": f"1,{OURS},2026-01-01T00:00:00Z,,a,1e400,1e400\n",
    "one order of 2,000 items": f"1,{OURS},2026-01-01T00:00:00Z,,a,1,1\n" * 2_000,
    "customers of nobody": "1,\u202e../..,2026-01-01T00:00:00Z,1,a,1,1\n" * 500,
}


@pytest.mark.parametrize("name", ORDER_ROWS)
def test_orders_with_anything_in_them(target_server: Target, name: str) -> None:
    content = (ORDERS + ORDER_ROWS[name]).encode()
    answer = target_server.kept(lambda: imported(target_server.doors, content, kind="ordersImport"), cpu=IMPORTED)
    assert answer.json["status"] == "DONE", answer.body[:1_000]
    target_server.promises.settle()


NAMES = ["../../etc/passwd", "a\u202eb", "=1+1", 'a"; filename="b.exe', "x" * 50, "\U0001f600", "a/b\\c:d"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("format_", ["CSV", "XLSX"])
def test_an_export_holds_no_formula_and_its_name_no_path(target_server: Target, name: str, format_: str) -> None:
    doors = target_server.doors
    people = [{"externalId": f"cell{n}", "name": cell} for n, cell in enumerate(CELLS) if cell.isprintable()]

    def send() -> Answer:
        # Names are unique in a store, and a list bears its segment's.
        doors.ask("mutation ($i: [CustomerInput!]!) { customersUpsert(input: $i) { created } }", i=people)
        answer = doors.ask(
            "mutation ($n: String!, $id: ID!) { listRename(id: $id, name: $n) { userErrors { code } } }",
            n=name,
            id=target_server.ours.list,
        )
        export = f'mutation ($id: ID!) {{ listExport(id: $id, fields: ["name", "external_id"], format: {format_}) {{ operation {{ id }} }} }}'
        operation = doors.get(export, id=target_server.ours.list)["listExport"]["operation"]["id"]
        url = str(finish(doors, operation)["url"])
        return doors.request("GET", url[url.index("/files/") :]) if answer.codes in ([], ["INVALID"]) else answer

    answer = target_server.kept(send, cpu=IMPORTED)
    assert answer.status == 200
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename")
    assert disposition.isascii()
    assert not set("/\\\r\n") & set(disposition.replace("utf-8''", ""))
    if format_ == "CSV":
        rows = list(csv.reader(io.StringIO(answer.body.removeprefix("\ufeff"))))
        assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
