"""One line in the log and one observation in the metrics for every request."""

from time import perf_counter

import structlog
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics

log = structlog.get_logger(__name__)

_CLIENT_CLOSED_REQUEST = 499  # nginx's code for a client that went away before the response began
# Load balancers and Prometheus request these every few seconds.
_PROBES = {"/healthz", "/readyz", "/metrics"}


class AccessLog:
    """Stands outside of all other layers, so that it records the status that the client receives."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_at = perf_counter()
        status = _CLIENT_CLOSED_REQUEST

        async def send_and_remember(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_remember)
        finally:
            seconds = perf_counter() - started_at
            route = scope.get("route")
            # The route's pattern, never the path itself: it may hold a recipient's token.
            path = route.path if isinstance(route, Route) else "-"
            metrics.requests.labels(path, scope["method"] if path != "-" else "-", status).inc()
            metrics.request_seconds.labels(path).observe(seconds)
            write = log.debug if path in _PROBES else log.info
            write("request_finished", method=scope["method"], path=path, status=status, ms=round(seconds * 1000, 1))
