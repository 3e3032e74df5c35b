"""Small applications that stand inside of a middleware."""

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send


def raising(error: BaseException, *, after_start: bool = False) -> ASGIApp:
    """Make an application that raises this error, before its response or within it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if after_start:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    return app


async def get(app: ASGIApp, path: str = "/") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://muster") as client:
        return await client.get(path)
