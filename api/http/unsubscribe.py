"""The page behind an unsubscribe link: opening it changes nothing, a POST unsubscribes (RFC 8058)."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.transactions import write
from domain.consents import actions as consents
from domain.consents.links import UnsubscribeLinks
from domain.kit.db import Transaction
from domain.receipts import intake
from domain.services import Services

_MAX_FORM_BYTES = 4096
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'",
    "cache-control": "no-store",
}


def routes(services: Services) -> list[Route]:
    async def show(request: Request) -> Response:
        is_known = (await services.links()).read(request.path_params["token"]) is not None
        return _page("ask.html") if is_known else _page("unknown.html", 404)

    async def unsubscribe(request: Request) -> Response:
        subject = (await services.links()).read(request.path_params["token"])
        if subject is None:
            return _page("unknown.html", 404)
        database = services.database.of_store(subject.store_id)
        key = await services.suppression_key()
        now = services.clock()

        async def record(tx: Transaction) -> None:
            await consents.unsubscribe(tx, subject, key, now)
            await intake.take_unsubscription(
                tx, subject.store_id, subject.channel, subject.campaign_id, subject.customer_id, now
            )

        await write(database, record)
        form = b""
        async for chunk in request.stream():
            form += chunk
            if len(form) > _MAX_FORM_BYTES:
                return _page("done.html")
        # A mailbox provider posts this form by itself and shows nobody the response.
        if "List-Unsubscribe=One-Click" in form.decode("ascii", "replace").split("&"):
            return PlainTextResponse("Unsubscribed.")
        return _page("done.html")

    path = f"{UnsubscribeLinks.PATH}/{{token}}"
    return [Route(path, show, methods=["GET"]), Route(path, unsubscribe, methods=["POST"])]


def _page(name: str, status: int = 200) -> Response:
    page = files("api.http").joinpath("templates", name).read_text(encoding="utf-8")
    return HTMLResponse(page, status, _HEADERS)
