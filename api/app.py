"""The server: routes, what surrounds them, and, without a broker, the workers inside."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from api import request_id
from api.authentication import TokenAuthenticator
from api.client_address import address_of
from api.graphql.kit.access import scope_of
from api.graphql.kit.context import Context
from api.graphql.schema import build_schema
from api.graphql.server.admission import Admission
from api.graphql.server.authorization import Scopes
from api.graphql.server.connection_life import Streams
from api.graphql.server.endpoint import GraphQLEndpoint
from api.http import files, graphiql, health, oauth, unsubscribe, webhooks
from api.http.middleware.access_log import AccessLog
from api.http.middleware.body_pace import BodyPace
from api.http.middleware.error_responses import ErrorResponses
from api.http.middleware.request_ids import RequestIds
from api.http.middleware.security_headers import SecurityHeaders
from api.wiring import Runtime
from api.workers.scheduler import keep_schedule, look_at_database
from domain.stores.model import Principal


def create_app(runtime: Runtime, admission: Admission | None = None) -> Starlette:
    """Return the application; `state.end_streams` is to be called when its server begins to end."""
    services = runtime.services
    streams = Streams()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with working(runtime):
            yield
        await runtime.close()

    cross_origin = Middleware(
        CORSMiddleware,
        allow_origins=runtime.settings.allowed_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "X-Requested-With", request_id.HEADER],
        expose_headers=["Retry-After", request_id.HEADER],
    )
    app = Starlette(
        routes=[
            *_graphql(runtime, streams, admission),
            graphiql.assets(),
            *unsubscribe.routes(services),
            *webhooks.routes(services),
            *oauth.routes(services),
            *files.routes(services.database, services.files, services.file_links, services.clock, services.audit),
            *health.routes(runtime.probes),
        ],
        middleware=[
            Middleware(RequestIds),
            Middleware(AccessLog),
            Middleware(SecurityHeaders, https=runtime.settings.public_url.startswith("https://")),
            # Outside of what answers errors: a page of another origin may read these too.
            *([cross_origin] if runtime.settings.allowed_origins else []),
            Middleware(ErrorResponses),
            Middleware(BodyPace),
        ],
        lifespan=lifespan,
    )
    app.state.end_streams = streams.end
    return app


def _graphql(runtime: Runtime, streams: Streams, admission: Admission | None) -> list[BaseRoute]:
    services = runtime.services

    @asynccontextmanager
    async def context(connection: HTTPConnection, principal: Principal) -> AsyncGenerator[Context]:
        yield Context(services.of_store(principal.store.id), principal, address_of(connection))

    async def refused(connection: HTTPConnection, principal: Principal, mutations: Sequence[str]) -> None:
        await services.audit.forbid(principal, address_of(connection), mutations)

    tokens = TokenAuthenticator(services.database, services.clock, services.audit)
    return GraphQLEndpoint(
        build_schema(),
        tokens.authenticate,
        tokens.still_valid,
        context,
        Scopes(scope_of, Principal.may, refused),
        page=graphiql.page,
        allowed_origins=runtime.settings.allowed_origins,
        streams=streams,
        admission=admission,
    ).routes()


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncGenerator[None]:
    """Workers and schedule inside this process, when there is no broker to reach others by."""
    if not runtime.settings.embedded:
        yield
        return
    consumers = runtime.consumers()
    await look_at_database(runtime.services)
    await asyncio.to_thread(consumers.start)
    runtime.watchdog.watch("server", asyncio.get_running_loop())
    stop = asyncio.Event()
    try:
        async with runtime.chores() as chores:
            schedule = asyncio.create_task(keep_schedule(chores, stop))
            try:
                yield
            finally:
                stop.set()
                await schedule
    finally:
        await asyncio.to_thread(consumers.stop)
        runtime.watchdog.forget("server")
