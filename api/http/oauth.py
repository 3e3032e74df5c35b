"""The callback of providers at whose page a store's staff have connected an account (RFC 6749 4.1.2)."""

from dataclasses import replace
from html import escape
from importlib.resources import files

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from api.transactions import write
from domain.channels import authorizations
from domain.channels.authorizations import CALLBACK_PATH
from domain.kit.errors import DomainError
from domain.services import Services

log = structlog.get_logger(__name__)

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "cache-control": "no-store",
    # The address has the provider's code in it.
    "referrer-policy": "no-referrer",
}
_LONGEST = 4_000
_UNKNOWN = "This address is not valid, or no longer: begin anew, and come back within ten minutes."
_USED = "This address was used before: look whether the channel is connected, or begin anew."
_DENIED = "The provider says that the connection was not allowed. Nothing has changed."
_NO_CODE = "The provider has sent no code. Nothing has changed: begin anew."


def routes(services: Services) -> list[Route]:
    async def finish(request: Request) -> Response:
        query = dict(request.query_params)
        state = await authorizations.read_state(services, query.get("state", ""))
        if state is None or len(str(request.query_params)) > _LONGEST:
            return _page(_UNKNOWN, 400)
        of_store = replace(services, database=services.database.of_store(state.store_id))
        # Before anybody is asked: whatever comes of it, the state is used up.
        pending = await write(of_store.database, lambda tx: authorizations.take(tx, of_store, state))
        if pending is None:
            return _page(_USED, 410)
        if "error" in query:
            log.info("authorization_denied", channel=state.channel, store=state.store_id, error=query["error"][:100])
            return _page(_DENIED, 400, pending.return_url)
        if not query.get("code"):
            return _page(_NO_CODE, 400, pending.return_url)
        try:
            await authorizations.complete(of_store, state, pending, query)
        except DomainError as error:
            log.info("authorization_failed", channel=state.channel, store=state.store_id, error=str(error))
            return _page(f"The account is not connected: {error}", 502, pending.return_url)
        return RedirectResponse(pending.return_url, 303, _HEADERS)

    return [Route(CALLBACK_PATH, finish, methods=["GET"])]


def _page(message: str, status: int, return_url: str | None = None) -> Response:
    page = files("api.http").joinpath("templates", "not_connected.html").read_text(encoding="utf-8")
    link = "" if return_url is None else f'<p><a href="{escape(return_url)}">Back</a></p>'
    page = page.replace("<!-- link -->", link).replace("<!-- message -->", escape(message))
    return HTMLResponse(page, status, _HEADERS)
