"""The page behind an unsubscribe link: looking changes nothing, a POST unsubscribes (RFC 8058)."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from domain.consents.actions import unsubscribe
from domain.consents.links import UnsubscribeLinks
from domain.kit.clock import Clock
from domain.kit.db import Database

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'",
    "cache-control": "no-store",
}


def routes(database: Database, links: UnsubscribeLinks, clock: Clock) -> list[Route]:
    async def show(request: Request) -> Response:
        known = links.read(request.path_params["token"]) is not None
        return _page("ask.html") if known else _page("unknown.html", 404)

    async def take_off(request: Request) -> Response:
        subject = links.read(request.path_params["token"])
        if subject is None:
            return _page("unknown.html", 404)
        async with database.write() as tx:
            await unsubscribe(tx, subject, clock())
        # A mailbox provider posts this form by itself and shows nobody the answer.
        if (await _form(request)).get("List-Unsubscribe") == "One-Click":
            return PlainTextResponse("Unsubscribed.")
        return _page("done.html")

    path = f"{links.PATH}/{{token}}"
    return [Route(path, show, methods=["GET"]), Route(path, take_off, methods=["POST"])]


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > 4096:
            return {}
    pairs = (pair.partition("=") for pair in body.decode("ascii", "replace").split("&"))
    return {name: value for name, _, value in pairs}


def _page(name: str, status: int = 200) -> Response:
    page = files("api.http").joinpath("templates", name).read_text(encoding="utf-8")
    return HTMLResponse(page, status, _HEADERS)
