"""The GraphQL endpoint: one ASGI application for HTTP, server-sent events and WebSockets."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

from graphql import OperationType
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.http.websocket_origin import normalize_allowed_origins

from api.database_errors import log_unavailable
from api.graphql.kit.errors import rate_limited, unauthenticated, unavailable
from api.graphql.kit.fields import schema_of, tune
from api.graphql.server import requests
from api.graphql.server.admission import Admission, Place
from api.graphql.server.authorization import Authorization, Scopes
from api.graphql.server.connection_life import ConnectionLimits, StillValid, Streams, TokenWatch, answered, stop
from api.graphql.server.documents import Documents
from api.graphql.server.execution import Answer, OpenContext, Operation, Runner, encode, refused
from api.graphql.server.limits import Limits
from api.graphql.server.negotiation import STATUS, Accepted, Media, Outcome, Refused, try_again
from api.graphql.server.requests import GraphQLRequest
from api.graphql.server.sse import EventStream
from api.graphql.server.uploads import multipart_body
from api.graphql.server.websocket import PROTOCOL, Socket, origin_allowed
from api.sign_in_throttle import TooManyFailures

P = TypeVar("P", bound=Hashable)
C = TypeVar("C")

_VARY = {"Vary": "Accept"}
# A small body comes with its head; whoever sends it later gives up the place meanwhile, or hundreds of slow senders
# would have all of them.
_BODY_SECONDS = 0.01


class GraphQLEndpoint(Generic[P, C]):
    """Answers a schema's operations to clients with a valid token; a browser gets the `page` instead."""

    def __init__(
        self,
        schema: Schema,
        authenticate: Callable[[HTTPConnection], Awaitable[P | None]],
        still_valid: StillValid[P],
        make_context: Callable[[HTTPConnection, P], AbstractAsyncContextManager[C]],
        scopes: Scopes[P],
        *,
        page: ASGIApp | None = None,
        allowed_origins: Iterable[str] = (),
        limits: Limits | None = None,
        connection_limits: ConnectionLimits | None = None,
        streams: Streams | None = None,
        admission: Admission | None = None,
        max_upload: int = 8 << 30,
    ) -> None:
        self._admission = admission or Admission()
        documents, authorization = Documents(schema_of(schema), limits), Authorization(schema_of(schema), scopes)
        self._runner: Runner[P, C] = Runner(tune(schema), documents, authorization, self._admission)
        self._authenticate = authenticate
        self._make_context = make_context
        self._page = page
        self._origins = normalize_allowed_origins(list(allowed_origins))
        self._connection_limits = connection_limits or ConnectionLimits()
        self._streams = streams or Streams()
        self._watch: TokenWatch[P] = TokenWatch(still_valid, self._connection_limits.recheck)
        self._max_upload = max_upload

    def routes(self, path: str = "/graphql") -> list[BaseRoute]:
        return [Route(path, self, include_in_schema=False), WebSocketRoute(path, self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            socket = WebSocket(scope, receive, send)
            if not origin_allowed(socket, self._origins):
                await socket.close(1008)  # before it is accepted: the handshake is answered with 403
                return
            if self._streams.full:
                await socket.accept(PROTOCOL)
                await socket.close(1013, "Try again later")
                return
            watch, limits, streams = self._watch, self._connection_limits, self._streams
            await Socket(socket, self._runner, self._authenticate, self._opener, watch, limits, streams).serve()
            return
        request = Request(scope, receive)
        accepted = Accepted.of(request.headers.get("accept"))
        if self._page is not None and request.method == "GET" and accepted.page():
            await self._page(scope, receive, send)
            return
        media = accepted.result() or (Media.EVENTS if accepted.events() else None)
        try:
            response = await self._answer(request, accepted, media)
        except Refused as error:
            status = STATUS[error.outcome][media or Media.JSON]
            response = _json(refused(error.errors), status, media, error.headers)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    def _opener(self, connection: HTTPConnection, principal: P) -> OpenContext[C]:
        return partial(self._make_context, connection, principal)

    async def _answer(self, request: Request, accepted: Accepted, media: Media | None) -> ASGIApp:
        if media is None:
            raise Refused(Outcome.UNREADABLE, f"Accept {Media.RESPONSE}, {Media.JSON} or {Media.EVENTS}")
        if request.method not in ("GET", "POST"):
            raise Refused(Outcome.METHOD, "Send GET or POST", {"Allow": "GET, POST"})
        kind = requests.content_type(request) if request.method == "POST" else None
        gate = self._admission.files if kind == "multipart/form-data" else self._admission.plain
        async with gate.passed() as place:
            # Whoever is refused has cost nothing until here.
            principal = await self._principal(request)
            async with self._read(request, kind, place) as graphql_request:
                return await self._execute(request, graphql_request, principal, accepted, media, place)

    async def _execute(
        self,
        request: Request,
        graphql_request: GraphQLRequest,
        principal: P,
        accepted: Accepted,
        media: Media,
        place: Place,
    ) -> ASGIApp:
        operation = await self._runner.plan_for(graphql_request, request, principal)
        if request.method == "GET" and operation.kind is OperationType.MUTATION:
            raise Refused(Outcome.METHOD, "A mutation is sent by POST", {"Allow": "POST"})
        opener = self._opener(request, principal)
        if operation.kind is OperationType.SUBSCRIPTION or media is Media.EVENTS:
            return self._stream(principal, accepted, operation, opener)
        if not graphql_request.files:
            await place.take(self._admission.gate(dear=operation.document.dear))
        # What a mutation of several transactions has done by halves, nobody could take up.
        whole = operation.kind is OperationType.MUTATION
        answer = await answered(partial(self._runner.run, operation, opener), request.receive, whole=whole)
        return _json(answer, STATUS[Outcome.ANSWERED][media], media)

    async def _principal(self, request: Request) -> P:
        try:
            principal = await self._authenticate(request)
        except TooManyFailures as error:
            refusals = [rate_limited(str(error), error.retry_after)]
            raise Refused(Outcome.TOO_MANY, refusals, {"Retry-After": str(error.retry_after)}) from None
        except Exception as error:
            message = log_unavailable(error)
            if message is None:
                raise
            raise try_again([unavailable(message)]) from None
        if principal is None:
            raise Refused(Outcome.UNAUTHENTICATED, [unauthenticated()], {"WWW-Authenticate": "Bearer"})
        return principal

    def _stream(self, principal: P, accepted: Accepted, operation: Operation, opener: OpenContext[C]) -> ASGIApp:
        if operation.request.files:
            raise Refused(Outcome.UNREADABLE, f"Files are not taken with {Media.EVENTS}")
        if not accepted.events():
            raise Refused(Outcome.UNREADABLE, f"A subscription comes as {Media.EVENTS}, or over a WebSocket")
        if self._streams.full:
            raise try_again([unavailable("The server has as many streams as it takes. Try again in a moment.")])
        until_revoked = partial(self._watch.until_revoked, principal)
        answers = self._runner.stream(operation, opener)
        return EventStream(answers, until_revoked, self._connection_limits, self._streams)

    @asynccontextmanager
    async def _read(self, request: Request, kind: str | None, place: Place) -> AsyncGenerator[GraphQLRequest]:
        if kind is None:
            yield requests.from_query(request)
        elif kind == Media.JSON:
            text = await self._read_body(request, place)
            yield requests.from_json(requests.parse_json(text, "The body"))
        else:
            limits = {"max_json": requests.MAX_BODY, "max_bytes": self._max_upload}
            async with multipart_body(request, **limits) as body:
                yield replace(requests.from_json(body), files=True)

    async def _read_body(self, request: Request, place: Place) -> bytes:
        """Return the body; while it is on its way, its request has no place that others need."""
        reading = asyncio.create_task(requests.read_body(request))
        try:
            if not (await asyncio.wait({reading}, timeout=_BODY_SECONDS))[0]:
                place.leave()
            body = await reading
        finally:
            await stop({reading} if not reading.done() else ())
        await place.take(self._admission.plain)
        return body


def _json(answer: Answer, status: int, media: Media | None, headers: dict[str, str] | None = None) -> Response:
    kind = media if media is Media.RESPONSE else Media.JSON
    return Response(encode(answer), status, {**_VARY, **(headers or {})}, media_type=f"{kind}; charset=utf-8")
