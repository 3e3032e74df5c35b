"""Gives each request and each WebSocket its id, and tells it in the answer."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import request_id

_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


class RequestIds:
    """Stands outside of all other layers, so that whatever they log or answer has the id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        with request_id.identified(Headers(scope=scope).get(request_id.HEADER)) as name:

            async def send_with_id(message: Message) -> None:
                if message["type"] in _STARTS:
                    message.setdefault("headers", [])
                    MutableHeaders(scope=message)[request_id.HEADER] = name
                await send(message)

            await self.app(scope, receive, send_with_id)
