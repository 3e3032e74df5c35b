"""Every request is logged and counted once, by its route's pattern."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from api import metrics
from api.http.middleware.access_log import AccessLog
from tests.api.http.middleware.apps import get, raising


async def respond(_: Request) -> Response:
    return PlainTextResponse("Hello", 201)


APP = AccessLog(Starlette(routes=[Route("/links/{token}", respond), Route("/healthz", respond)]))


async def logged(path: str) -> list[Any]:
    with capture_logs() as lines:
        await get(APP, path)
    return lines


async def test_a_request_is_one_line_without_its_token() -> None:
    (line,) = await logged("/links/secret")
    assert (line["event"], line["path"], line["status"]) == ("request_finished", "/links/{token}", 201)
    assert "secret" not in str(line)


async def test_a_path_that_no_route_has_is_not_logged() -> None:
    (line,) = await logged("/wp-admin/secret")
    assert (line["path"], line["status"]) == ("-", 404)


async def test_probes_are_logged_for_debugging_alone() -> None:
    assert [line["log_level"] for path in ("/links/x", "/healthz") for line in await logged(path)] == ["info", "debug"]


async def test_a_request_is_counted() -> None:
    def count() -> float:
        labels = {"path": "/links/{token}", "method": "GET", "status": "201"}
        return metrics.registry.get_sample_value("muster_requests_total", labels) or 0

    before = count()
    await logged("/links/x")
    assert count() == before + 1


async def test_a_client_that_goes_away_is_logged_as_499() -> None:
    with capture_logs() as lines, pytest.raises(asyncio.CancelledError):
        await get(AccessLog(raising(asyncio.CancelledError())))
    assert [line["status"] for line in lines] == [499]


async def test_a_response_that_breaks_off_has_the_status_that_it_began_with() -> None:
    with capture_logs() as lines, pytest.raises(ZeroDivisionError):
        await get(AccessLog(raising(ZeroDivisionError(), after_start=True)))
    assert [line["status"] for line in lines] == [200]
