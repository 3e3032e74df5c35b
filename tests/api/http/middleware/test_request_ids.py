"""A request has one id: in its answer, in every line of its log, and for whoever asks."""

import httpx
import pytest
import structlog
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from api import request_id
from api.http.middleware.access_log import AccessLog
from api.http.middleware.request_ids import RequestIds


async def show(scope: Scope, receive: Receive, send: Send) -> None:
    structlog.get_logger(__name__).info("at_work")
    await JSONResponse(request_id.current())(scope, receive, send)


APP = RequestIds(AccessLog(show))


async def ask(**headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://muster") as client:
        return await client.get("/", headers=headers)


async def test_a_request_gets_an_id_which_its_log_and_its_answer_have() -> None:
    with capture_logs([merge_contextvars]) as lines:
        first, second = await ask(), await ask()
    assert [line["event"] for line in lines] == ["at_work", "request_finished"] * 2
    ids = [response.headers["x-request-id"] for response in (first, second)]
    assert [line["request_id"] for line in lines] == [ids[0], ids[0], ids[1], ids[1]]
    assert [first.json(), second.json()] == ids
    assert len(ids[0]) == 32
    assert ids[0] != ids[1]
    assert request_id.current() is None


@pytest.mark.parametrize("wanted", ["a", "0af7651916cd43dd8448eb211c80319c", "edge-7.Req_1", "x" * 64])
async def test_a_plain_id_of_the_client_is_kept(wanted: str) -> None:
    assert (await ask(**{"X-Request-Id": wanted})).headers.get_list("x-request-id") == [wanted]


@pytest.mark.parametrize("wanted", ["", "x" * 65, "a b", "a\tb", "-a", "<script>", 'a"b', "a;b", "%0a"])
async def test_any_other_is_replaced(wanted: str) -> None:
    response = await ask(**{"X-Request-Id": wanted})
    assert response.headers["x-request-id"] != wanted
    assert response.json() == response.headers["x-request-id"]
