"""What holds for every answer: one line in the log, a count, cautious headers, and a word when something fails."""

from time import perf_counter

import structlog
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.database_errors import RETRY_AFTER, is_away, is_unmigrated

log = structlog.get_logger(__name__)

HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# Asked for every few seconds by machines.
_QUIET = {"/healthz", "/readyz", "/metrics"}


class Conduct:
    """The outermost layer; it also answers for what raised."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        answer = _Answer(send)
        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            if answer.status:
                raise
            await _failure(error)(scope, receive, answer)
        finally:
            _note(scope, answer.status or 499, perf_counter() - began)


class _Answer:
    """Passes the answer on, with its headers completed, and knows its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            # Files have tags by which a browser asks whether its copy is current.
            headers.setdefault("cache-control", "no-cache" if "etag" in headers else "no-store")
        await self._send(message)


def _failure(error: Exception) -> JSONResponse:
    if is_away(error):
        log.warning("database_unavailable", error=type(error).__name__)
        return _unavailable("The database does not answer. Try again in a moment.")
    if is_unmigrated(error):
        log.error("database_not_migrated")
        return _unavailable("The database is not up to date yet.")
    log.error("request_failed", exc_info=error)
    return JSONResponse({"error": "Something broke here; it is on record."}, status_code=500)


def _unavailable(message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=503, headers={"retry-after": str(RETRY_AFTER)})


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("route")
    # The route's pattern, never the path itself: it may hold a recipient's token.
    path = route.path if isinstance(route, Route) else "-"
    metrics.requests.labels(path, scope["method"] if path != "-" else "-", status).inc()
    metrics.request_seconds.labels(path).observe(seconds)
    write = log.debug if path in _QUIET else log.info
    write("request", method=scope["method"], path=path, status=status, ms=round(seconds * 1000, 1))
