"""The server: routes, what surrounds them, and, without a broker, the workers inside."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from api.http import health
from api.http.conduct import Conduct
from api.wiring import Runtime
from api.workers.schedule import keep_schedule


def create_app(runtime: Runtime) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with working(runtime):
            yield
        await runtime.close()

    return Starlette(
        routes=health.routes(runtime.database, runtime.ask_broker),
        middleware=[Middleware(Conduct), *_cors(runtime.settings.allowed_origins)],
        lifespan=lifespan,
    )


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncGenerator[None]:
    """Workers and schedule inside this process, when there is no broker to reach others by."""
    if not runtime.settings.embedded:
        yield
        return
    lanes = runtime.lanes()
    await asyncio.to_thread(lanes.start)
    stop = asyncio.Event()
    schedule = asyncio.create_task(keep_schedule(runtime.chores(), stop))
    try:
        yield
    finally:
        stop.set()
        await schedule
        await asyncio.to_thread(lanes.stop)


def _cors(origins: tuple[str, ...]) -> list[Middleware]:
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
        )
    ]
