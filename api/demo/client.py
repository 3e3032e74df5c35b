"""A client of the API as small as can be: what the demonstration does, anyone can do from outside."""

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_PIECE = 1 << 18
_BOUNDARY = "muster-demo-boundary"


class Refused(Exception):
    """The API said no; the message is what it said."""


class Client:
    def __init__(self, url: str, token: str) -> None:
        self._host = urlsplit(url).netloc
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"}

    def ask(self, document: str, **variables: object) -> Any:
        """The one field that the document asks for."""
        body = json.dumps({"query": document, "variables": variables}).encode()
        return self._send(iter([body]), len(body), "application/json")

    def upload(self, document: str, path: Path, sent: Callable[[int], object]) -> Any:
        """The same with `$file`, streamed; `sent` is told how many bytes went with each piece."""
        head, tail = _parts(document, path.name)
        pieces = _file(path, head, tail, sent)
        size = len(head) + path.stat().st_size + len(tail)
        return self._send(pieces, size, f"multipart/form-data; boundary={_BOUNDARY}")

    def _send(self, body: Iterator[bytes], size: int, content_type: str) -> Any:
        connection = HTTPConnection(self._host, timeout=600)
        try:
            headers = self._headers | {"Content-Type": content_type, "Content-Length": str(size)}
            connection.request("POST", "/graphql", body=body, headers=headers)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if answer.get("errors"):
            raise Refused("; ".join(error["message"] for error in answer["errors"]))
        (field,) = answer["data"].values()
        faults: list[dict[str, Any]] = field.get("userErrors", []) if field else []
        if faults:
            raise Refused("; ".join(f"{fault['field']}: {fault['message']}" for fault in faults))
        return field


def _parts(document: str, name: str) -> tuple[bytes, bytes]:
    operations = json.dumps({"query": document, "variables": {"file": None}})
    fields = (("operations", operations), ("map", json.dumps({"0": ["variables.file"]})))
    head = "".join(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n' for field, value in fields
    )
    head += f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="0"; filename="{name}"\r\n'
    head += "Content-Type: text/csv\r\n\r\n"
    return head.encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()


def _file(path: Path, head: bytes, tail: bytes, sent: Callable[[int], object]) -> Iterator[bytes]:
    yield head
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
            sent(len(piece))
    yield tail
