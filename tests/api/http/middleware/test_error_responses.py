"""An exception becomes a response, and is logged once."""

from sqlite3 import OperationalError as SqliteError

import pytest
from sqlalchemy.exc import OperationalError
from starlette.requests import ClientDisconnect
from starlette.types import Message
from structlog.testing import capture_logs

from api.http.middleware.access_log import AccessLog
from api.http.middleware.error_responses import ErrorResponses
from tests.api.http.middleware.apps import get, raising

NO_TABLE = OperationalError("SELECT 1", {}, SqliteError("no such table: stores"))


@pytest.mark.parametrize(
    ("error", "status", "event"),
    [
        (ConnectionRefusedError("10.0.0.7"), 503, "database_unavailable"),
        (NO_TABLE, 503, "database_not_migrated"),
        (ZeroDivisionError("secret"), 500, "request_failed"),
    ],
)
async def test_an_exception_is_answered_and_logged(error: Exception, status: int, event: str) -> None:
    with capture_logs() as lines:
        response = await get(ErrorResponses(raising(error)))
    assert response.status_code == status
    assert [line["event"] for line in lines] == [event]
    assert str(error) not in response.text


async def test_a_response_that_began_is_not_answered_twice() -> None:
    with pytest.raises(ZeroDivisionError):
        await get(ErrorResponses(raising(ZeroDivisionError(), after_start=True)))


async def test_a_retry_is_suggested_while_the_database_is_unavailable_only() -> None:
    assert (await get(ErrorResponses(raising(ConnectionRefusedError())))).headers["retry-after"] == "2"
    assert "retry-after" not in (await get(ErrorResponses(raising(ZeroDivisionError())))).headers


async def test_a_client_that_goes_away_while_it_sends_is_no_error_but_499() -> None:
    app = AccessLog(ErrorResponses(raising(ClientDisconnect())))
    with capture_logs() as lines:
        await app({"type": "http", "method": "POST", "headers": []}, _nothing, _ignored)
    assert [(line["event"], line["status"]) for line in lines] == [("request_finished", 499)]


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _ignored(_: Message) -> None:
    pass
