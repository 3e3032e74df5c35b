"""A response for every exception: 503 for what a retry may get over, 408 for a slow client, 500 for a bug."""

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import request_id
from api.database_errors import RETRY_AFTER_SECONDS, log_unavailable
from api.http.middleware.body_pace import BodyTooSlow
from domain.installation.model import WrongSecretKey

log = structlog.get_logger(__name__)


class ErrorResponses:
    """Answers in place of an application that raised before its response began; later, it raises further."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        response_started = False

        async def send_and_remember(message: Message) -> None:
            nonlocal response_started
            response_started = response_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_remember)
        except ClientDisconnect:
            # Nobody is there to be answered: 499 in the access log.
            return
        except Exception as error:
            if response_started:
                raise
            await response_to(error)(scope, receive, send)


def response_to(error: Exception) -> JSONResponse:
    """Return the response for this exception, and log it once."""
    if isinstance(error, BodyTooSlow):
        return JSONResponse({"error": "The body came too slowly: send it again."}, 408, {"connection": "close"})
    message = log_unavailable(error)
    if message is not None:
        return JSONResponse({"error": message}, 503, {"retry-after": str(RETRY_AFTER_SECONDS)})
    if isinstance(error, WrongSecretKey):
        log.error("wrong_secret_key", hint=str(error))
        return JSONResponse({"error": "The server is not set up as it should be. Try again later."}, 503)
    log.error("request_failed", exc_info=error)
    content = {"error": "An internal error occurred; it has been logged.", "requestId": request_id.current()}
    return JSONResponse(content, 500)
