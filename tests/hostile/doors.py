"""The doors to a server, as a stranger finds them: HTTP, raw bytes, uploads, WebSockets."""

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from api.graphql.kit.json_types import is_array, is_object

# Answers are looked into as they come.
Json = Any
PATIENCE = 20.0  # seconds
PROTOCOL = "graphql-transport-ws"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `status` is an HTTP status, or the code with which a WebSocket was closed."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        """The codes of errors and of user errors, wherever they are."""
        try:
            return list(_codes(self.json))
        except ValueError:
            return []

    @property
    def text(self) -> str:
        return "\n".join((*(f"{name}: {value}" for name, value in self.headers.items()), self.body))


def _codes(value: object) -> Iterator[str]:
    if is_object(value):
        code = value.get("code")
        if isinstance(code, str):
            yield code
        for inner in value.values():
            yield from _codes(inner)
    elif is_array(value):
        for inner in value:
            yield from _codes(inner)


@dataclass(frozen=True, slots=True)
class Doors:
    """A server's doors, for whoever has the token."""

    url: str
    token: str = field(repr=False)

    @property
    def authority(self) -> str:
        return urlsplit(self.url).netloc

    def request(self, method: str, path: str = "/graphql", **options: Any) -> Answer:
        """Send a request; with the token unless it has an Authorization of its own."""
        headers = httpx.Headers(options.pop("headers", {}))
        headers.setdefault("Authorization", f"Bearer {self.token}")
        url = path if path.startswith("http") else self.url + path
        with httpx.Client(timeout=PATIENCE, verify=False, trust_env=False) as client:
            response = client.request(method, url, headers=headers, **options)
        # A token that is made to look like bytes of any kind is shown as such.
        return Answer(response.status_code, response.content.decode(errors="replace"), dict(response.headers))

    def ask(self, query: str, /, **variables: object) -> Answer:
        body = json.dumps({"query": query, "variables": variables})
        return self.request("POST", content=body, headers={"Content-Type": "application/json"})

    def get(self, query: str, /, **variables: object) -> Json:
        """Return the data of an answer without errors."""
        answer = self.ask(query, **variables)
        assert answer.status == 200, answer
        assert "errors" not in answer.json, answer
        return answer.json["data"]

    def upload(self, name: str, content: bytes, filename: str = "file.csv", kind: str = "text/csv") -> Answer:
        """Import a file."""
        document = f"mutation ($file: Upload!) {{ {name}(file: $file) {{ operation {{ id }} userErrors {{ code }} }} }}"
        operations = json.dumps({"query": document, "variables": {"file": None}})
        data = {"operations": operations, "map": json.dumps({"0": ["variables.file"]})}
        return self.request("POST", data=data, files={"0": (filename, content, kind)})

    def raw(self, data: bytes, *more: bytes, seconds: float = 1.0) -> Answer:
        """Send bytes, piece by piece; return the first response's status and all that came back.

        Status 0 stands for a connection that was closed, or left open, without a word.
        """
        parts = urlsplit(self.url)
        received = b""
        address = (parts.hostname, parts.port)
        with suppress(OSError), socket.create_connection(address, timeout=seconds) as connection:
            for piece in (data, *more):
                connection.sendall(piece)
            while piece := connection.recv(65_536):
                received += piece
        head = received.split(b" ", 2)
        status = int(head[1]) if len(head) > 1 and head[1].isdigit() else 0
        return Answer(status, received.decode(errors="replace"))

    def converse(
        self,
        *messages: object,
        protocols: Sequence[str] = (PROTOCOL,),
        origin: str | None = None,
        until: str = "closed",
        seconds: float = 5.0,
    ) -> list[Answer]:
        """Open a WebSocket and send messages, text or bytes as they are, all else as JSON; return what comes back.

        It is over when the server closes, or once a message of the type `until` has come.
        """
        answers: list[Answer] = []
        url = f"ws://{self.authority}/graphql"
        with connect(
            url,
            subprotocols=[Subprotocol(name) for name in protocols] or None,
            origin=None if origin is None else Origin(origin),
            open_timeout=PATIENCE,
            close_timeout=1,
            max_size=None,
            proxy=None,
        ) as connection:
            try:
                for message in messages:
                    connection.send(message if isinstance(message, str | bytes) else json.dumps(message))
                while True:
                    text = str(connection.recv(seconds))
                    answers.append(Answer(0, text))
                    if json.loads(text).get("type") == until:
                        return answers
            except ConnectionClosed as closed:
                code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
                answers.append(Answer(code, reason))
        return answers

    @property
    def hello(self) -> dict[str, object]:
        """The first message of a WebSocket."""
        return {"type": "connection_init", "payload": {"Authorization": f"Bearer {self.token}"}}
