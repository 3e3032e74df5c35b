import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from tests.api.graphql.stage import Stage, StoreClient, open_stage
from tests.api.graphql.toy import Tokens, make_app

AUTHORIZED = {"Authorization": "Bearer sesame"}

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
async def client(tokens: Tokens) -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(tokens))
    async with httpx.AsyncClient(transport=transport, base_url="http://muster.test", headers=AUTHORIZED) as open_client:
        yield open_client


@pytest.fixture
def ask(client: httpx.AsyncClient) -> Ask:
    async def post(query: str, variables: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        accept = {"accept": "application/graphql-response+json", **headers}
        return await client.post("/graphql", json={"query": query, "variables": variables}, headers=accept)

    return post


@asynccontextmanager
async def serve(app: ASGIApp) -> AsyncGenerator[str]:
    """A real server on loopback; its host and port."""
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio", lifespan="off"))
    task = asyncio.create_task(running.serve())
    while not running.started:  # noqa: ASYNC110 - uvicorn tells by this alone
        await asyncio.sleep(0.01)
    yield f"127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    running.force_exit = True
    await task


@pytest.fixture
async def server(tokens: Tokens) -> AsyncGenerator[str]:
    """The toy behind a real server; its host and port."""
    async with serve(make_app(tokens, allowed_origins=["https://spa.example"])) as host:
        yield host


@pytest.fixture
def row_security() -> bool:
    """Whether PostgreSQL's row security is on."""
    return True


@pytest.fixture
async def stage(database_url: str, tmp_path: Path, row_security: bool) -> AsyncGenerator[Stage]:
    opened = open_stage(database_url, tmp_path / "files", row_security=row_security)
    yield opened
    await opened.runtime.close()


@pytest.fixture
async def store(stage: Stage) -> StoreClient:
    return await stage.store()
