"""A minimal client of the API: the demo uses nothing that is not open to any other client."""

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_CHUNK = 1 << 18  # bytes
_BOUNDARY = "muster-demo-boundary"


class RequestRefused(Exception):
    """The API answered with errors; the message holds theirs."""


class ApiClient:
    def __init__(self, url: str, token: str) -> None:
        self._host = urlsplit(url).netloc
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"}

    def execute(self, document: str, **variables: object) -> Any:
        """Return the value of the document's only field. Raise RequestRefused for errors and user errors."""
        body = json.dumps({"query": document, "variables": variables}).encode()
        return self._post(iter([body]), len(body), "application/json")

    def upload(self, document: str, path: Path, on_progress: Callable[[int], object]) -> Any:
        """Execute the document with the file as `$file`, streamed; call `on_progress` with each chunk's size."""
        operations = json.dumps({"query": document, "variables": {"file": None}})
        fields = {"operations": operations, "map": json.dumps({"0": ["variables.file"]})}
        head = "".join(
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        head += f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="0"; filename="{path.name}"\r\n'
        head += "Content-Type: text/csv\r\n\r\n"
        tail = f"\r\n--{_BOUNDARY}--\r\n"

        def body() -> Iterator[bytes]:
            yield head.encode()
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
                    on_progress(len(chunk))
            yield tail.encode()

        size = len(head.encode()) + path.stat().st_size + len(tail.encode())
        return self._post(body(), size, f"multipart/form-data; boundary={_BOUNDARY}")

    def _post(self, body: Iterator[bytes], size: int, content_type: str) -> Any:
        connection = HTTPConnection(self._host, timeout=600)
        try:
            headers = self._headers | {"Content-Type": content_type, "Content-Length": str(size)}
            connection.request("POST", "/graphql", body=body, headers=headers)
            response: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if response.get("errors"):
            raise RequestRefused("; ".join(error["message"] for error in response["errors"]))
        (value,) = response["data"].values()
        user_errors: list[dict[str, Any]] = value.get("userErrors", []) if value else []
        if user_errors:
            raise RequestRefused("; ".join(f"{error['field']}: {error['message']}" for error in user_errors))
        return value
