"""A client's connection to the server: its requests come in time and within bounds, or it is closed.

uvicorn limits how long a connection is idle between two requests, and nothing else.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 10.0
# For the rest of a body that nobody reads any more, for its request is answered.
REST_SECONDS: Final = 5.0
# For a client that does not take what it asked for.
SEND_SECONDS: Final = 30.0
HEAD_BYTES: Final = 65_536
HEADERS: Final = 100
# Requests that a client sends before the one in front of them is answered.
PIPELINED: Final = 16


class BoundedConnection(HttpToolsProtocol):
    """Answers a request line and headers that come too slowly with 408, and those that are too large with 431."""

    _reading: asyncio.TimerHandle | None = None
    _sending: asyncio.TimerHandle | None = None
    _in_head = False
    _head_bytes = 0
    _refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._read_within(HEAD_SECONDS, self._refuse_late_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_reading_timer()
        self._stop_sending_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._head_bytes += len(data) if self._in_head else 0
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._read_within(HEAD_SECONDS, self._refuse_late_head)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_reading_timer()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEADERS or len(self.pipeline) >= PIPELINED:
            self._refuse(b"431 Request Header Fields Too Large")
        if not self._refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._refused:
            return
        super().on_message_complete()
        self._stop_reading_timer()
        if self._answered:  # and uvicorn's own timer has been stopped
            self._read_within(HEAD_SECONDS, self._refuse_late_head)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._answered and self.cycle.more_body:
            self._read_within(REST_SECONDS, self.transport.close)

    def handle_websocket_upgrade(self) -> None:
        self._stop_reading_timer()
        if not self._refused:
            super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._sending = self.loop.call_later(SEND_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_sending_timer()
        super().resume_writing()

    @property
    def _answered(self) -> bool:
        """Return whether no request waits for its answer."""
        # None before the first request, whatever uvicorn's types say.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _refuse_late_head(self) -> None:
        if self._in_head:
            self._refuse(b"408 Request Timeout")
        else:
            self.transport.close()

    def _refuse(self, status: bytes) -> None:
        """Answer with this status, unless another answer is on its way, and close the connection."""
        self._refused = True
        self._stop_reading_timer()
        if self._answered:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()

    def _read_within(self, seconds: float, otherwise: Callable[[], None]) -> None:
        self._stop_reading_timer()
        self._reading = self.loop.call_later(seconds, otherwise)

    def _stop_reading_timer(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _stop_sending_timer(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
