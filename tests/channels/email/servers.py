"""Servers that misbehave in ways that the sink does not."""

import contextlib
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import SimpleQueue

_REPLIES = (b"220 x\r\n", b"250-x\r\n250 PIPELINING\r\n", b"250 a\r\n250 b\r\n354 c\r\n")


@contextmanager
def saying(greeting: bytes | None) -> Generator[int]:
    """Says this and no more; None closes at once."""

    def serve(connection: socket.socket) -> None:
        if greeting is not None:
            connection.sendall(greeting)
            while connection.recv(65_536):
                pass

    with _serving(serve) as port:
        yield port


@contextmanager
def reading(limit: int | None, read: SimpleQueue[bytes] | None = None) -> Generator[int]:
    """Asks for one message's content and never answers it; closes after `limit` bytes."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(_REPLIES[0])
        for reply in _REPLIES[1:]:
            connection.recv(65_536)
            connection.sendall(reply)
        content = b""
        while (limit is None or len(content) < limit) and (piece := connection.recv(65_536)):
            content += piece
        if read is not None:
            read.put(content)

    with _serving(serve) as port:
        yield port


@contextmanager
def _serving(serve: Callable[[socket.socket], None]) -> Generator[int]:
    server = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError):
            serve(connection)

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
