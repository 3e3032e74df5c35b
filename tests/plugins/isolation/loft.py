"""The pigeons' provider, as a real server on loopback: its log is what has arrived there."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web


@dataclass
class Loft:
    """`away` answers nothing but 503; `denies` sends whoever connects an account back with an error."""

    url: str = ""
    away: bool = False
    denies: bool = False
    token: str = "first"
    problems: list[str] = field(default_factory=list[str])
    # The answer of a renewal.
    renewed: dict[str, Any] | None = None
    # Requests are refused from this one on, counted from zero.
    refuses_from: int | None = None
    codes: set[str] = field(default_factory=set[str])
    requests: list[str] = field(default_factory=list[str])
    lists: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    opened: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    closed: list[str] = field(default_factory=list[str])
    variables: dict[str, Any] = field(default_factory=dict[str, Any])

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path
        self.requests.append(f"{request.method} {path}")
        if self.away or (self.refuses_from is not None and len(self.requests) > self.refuses_from):
            return web.Response(status=503)
        if path == "/authorize":
            return self._allow(request)
        if path == "/token":
            return await self._exchange(request)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        return await self._serve(request)

    async def _serve(self, request: web.Request) -> web.Response:
        if request.path == "/me":
            return web.json_response({"name": "Shop Ltd.", "problems": self.problems})
        if request.path == "/renew":
            if self.renewed:
                self.token = self.renewed.get("accessToken", self.token)
            return web.json_response(self.renewed)
        return await self._keep(request)

    def _allow(self, request: web.Request) -> web.Response:
        query = {"state": request.query["state"]}
        if self.denies:
            query["error"] = "access_denied"
        else:
            query["code"] = f"code-{len(self.requests)}"
            self.codes.add(query["code"])
        raise web.HTTPFound(f"{request.query['redirect_uri']}?{urlencode(query)}")

    async def _exchange(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form["code"] not in self.codes:
            return web.Response(status=400)
        self.codes.remove(str(form["code"]))
        return web.json_response({"access_token": self.token})

    async def _keep(self, request: web.Request) -> web.Response:
        _, _, key, *rest = request.path.split("/")
        if request.method == "PUT":
            self.opened[f"loft-{key}"] = await request.json()
            return web.json_response({"id": f"loft-{key}"})
        if rest == ["close"]:
            self.closed.append(key)
        else:
            for member in await request.json():
                self.lists.setdefault(key, []).append(member["to"])
                self.variables[member["to"]] = member["variables"]
        return web.json_response({})


@asynccontextmanager
async def open_loft() -> AsyncGenerator[Loft]:
    loft = Loft()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", loft.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    loft.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield loft
    await runner.cleanup()
