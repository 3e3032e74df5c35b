"""Multipart requests that are broken, or name what is not theirs: maps, parts, the names of files (S17)."""

import json

import pytest

from tests.hostile.doors import Answer, Json
from tests.hostile.target import Target

DOCUMENT = "mutation ($file: Upload!) { customersImport(file: $file) { operation { id } userErrors { code } } }"
OPERATIONS = json.dumps({"query": DOCUMENT, "variables": {"file": None}}).encode()
MAP = b'{"0":["variables.file"]}'
FILE = (b'name="0"; filename="f.csv"', b"external_id,\n")


def form(*parts: tuple[bytes, bytes], boundary: bytes = b"b", end: bytes = b"--") -> bytes:
    lines = b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (boundary, head, body) for head, body in parts
    )
    return lines + b"--" + boundary + end + b"\r\n"


def mapped(places: Json, operations: bytes = OPERATIONS) -> bytes:
    return form((b'name="operations"', operations), (b'name="map"', json.dumps(places).encode()), FILE)


FORMS: dict[str, tuple[bytes, bytes]] = {
    name: (b"multipart/form-data; boundary=b", body)
    for name, body in {
        "nothing": b"",
        "junk": b"\xff" * 100_000,
        "no end": form((b'name="operations"', OPERATIONS), end=b""),
        "a mapless one": form((b'name="operations"', OPERATIONS), FILE),
        "a map before the rest": form((b'name="map"', MAP), FILE),
        "two maps": form((b'name="operations"', OPERATIONS), (b'name="map"', MAP), (b'name="map"', b"{}"), FILE),
        "a map of a list": mapped([]),
        "a map of a text": mapped("variables.file"),
        "a map of all places": mapped({"0": ["variables.file"] * 100_000}),
        "a map of all parts": mapped({str(n): [] for n in range(100_000)}),
        "a deep map": form((b'name="operations"', OPERATIONS), (b'name="map"', b"[" * 1_000_000), FILE),
        "a long path": mapped({"0": ["variables." + "a." * 500_000 + "b"]}),
        "a path of dots": mapped({"0": ["." * 100_000]}),
        "a path of nothing": mapped({"0": [""]}),
        "a path to the document": mapped({"0": ["query"]}),
        "a path to a class": mapped({"0": ["variables.__class__.__init__"]}),
        "a path to a prototype": mapped({"0": ["variables.__proto__.file"]}),
        "a path to another digit": mapped({"0": ["variables.\u0660"]}),
        "a path to a far place": mapped({"0": ["variables.file.999999999999"]}),
        "a path to a place before all": mapped({"0": ["variables.file.-1"]}),
        "a path that is a number": mapped({"0": [0]}),
        "a path to what is no null": mapped({"0": ["variables.x"]}, b'{"query":"{tags}","variables":{"x":1}}'),
        "operations that are a list": mapped({"0": ["0.variables.file"]}, b"[" + OPERATIONS + b"]"),
        "operations of brackets": mapped({"0": ["variables.file"]}, b"[" * 3_000_000),
        "operations of 5 MB": mapped({"0": ["variables.file"]}, b'"' + b"x" * 5_000_000 + b'"'),
        "a file as operations": form((b'name="operations"; filename="x"', OPERATIONS), (b'name="map"', MAP), FILE),
        "a file as map": form((b'name="operations"', OPERATIONS), (b'name="map"; filename="x"', MAP), FILE),
        "a file without a name": form((b'name="operations"', OPERATIONS), (b'name="map"', MAP), (b'name="0"', b"x")),
        "a hundred files": form((b'name="operations"', OPERATIONS), (b'name="map"', MAP), *[FILE] * 100),
        "a hundred fields": form(*[(b'name="x%d"' % n, b"x") for n in range(100)]),
        "a name without end": form((b'name="operations', OPERATIONS)),
        "a name of a megabyte": form((b'name="' + b"x" * 1_000_000 + b'"', b"x")),
        "a head of 60 MB": form((b'name="x"\r\nX: ' + b"x" * 60_000_000, b"x")),
        "100,000 heads": form((b'name="x"' + b"\r\nX: y" * 100_000, b"x")),
        "60 MB before the first part": b"x" * 60_000_000,
        "60 MB behind the last": mapped({"9": ["variables.file"]}) + b"x" * 60_000_000,
        "an unknown coding": b'--b\r\nContent-Disposition: form-data; name="x"\r\nContent-Transfer-Encoding: zip\r\n\r\nx\r\n--b--',
        "parts within parts": b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--",
    }.items()
} | {
    "no boundary": (b"multipart/form-data", mapped({"0": ["variables.file"]})),
    "an empty boundary": (b"multipart/form-data; boundary=", mapped({"0": ["variables.file"]})),
    "a boundary of 60,000 letters": (b"multipart/form-data; boundary=" + b"x" * 60_000, b"x" * 1_000_000),
    "a boundary of bytes": (b"multipart/form-data; boundary=\xff\xfe", b"--\xff\xfe--"),
    "a boundary of a line end": (b'multipart/form-data; boundary="a b"', b"--a b--"),
    "a charset of nonsense": (b"multipart/form-data; boundary=b; charset=rot13", mapped({"0": ["variables.file"]})),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_multipart_request_that_is_broken_is_refused(target_server: Target, name: str) -> None:
    kind, content = FORMS[name]
    headers: dict[str, bytes] = {"Content-Type": kind}

    def send() -> Answer:
        return target_server.doors.request("POST", content=content, headers=headers)

    answer = target_server.kept(send)
    assert (answer.status, answer.codes) in [(status, ["BAD_REQUEST"]) for status in (400, 413, 415)], answer.body[:500]


FILENAMES = [
    "../../../../etc/passwd", "..\\..\\muster.db", "/etc/passwd", "C:\\x", "\x00.csv", "a\r\nX: y.csv", "\u202evsc.exe",
    "x" * 60_000, "", ".", "..", "con", "a;b=c", "%2e%2e%2f", "=1+1", "<script>", "\U0001f600",
]  # fmt: skip


@pytest.mark.parametrize("filename", FILENAMES, ids=lambda name: ascii(name)[:30])
def test_an_uploaded_files_name_names_nothing(target_server: Target, filename: str) -> None:
    before = sorted(target_server.folder.rglob("*"))

    def send() -> Answer:
        return target_server.doors.upload("customersImport", b"nothing,of,all\n", filename, "../../x; y=z")

    answer = target_server.kept(send)
    assert answer.status in {200, 400}
    assert sorted(path for path in target_server.folder.rglob("*") if "-wal" not in path.name) == [
        path for path in before if "-wal" not in path.name
    ]
