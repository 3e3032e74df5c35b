"""The web server around an application: bounds on connections, and an end of what would never end by itself."""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

# For requests that run when the server is told to end; streams are ended at once.
GRACE_SECONDS = 10
_MAX_MESSAGE = 1 << 20


def _protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    try:
        from api.http.connection import BoundedConnection  # noqa: PLC0415 - Windows has no httptools
    except ImportError:
        return "auto"
    return BoundedConnection


class Listener(uvicorn.Server):
    """Serves the application; before it waits for its requests at the end, it calls `end_streams`."""

    def __init__(
        self,
        app: ASGIApp,
        end_streams: Callable[[], Awaitable[None]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=_protocol(),
                h11_max_incomplete_event_size=65_536,
                log_config=None,
                access_log=False,
                server_header=False,
                forwarded_allow_ips=list(trusted_proxies),
                ws_max_size=_MAX_MESSAGE,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._end_streams = end_streams

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What lives as long as the process is not looked through again and again: that held up all requests for a tenth
        # of a second.
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._end_streams()
        await super().shutdown(sockets)
