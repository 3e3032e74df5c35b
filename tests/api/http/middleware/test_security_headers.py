"""Every response has the headers that it did not set itself."""

import pytest
from starlette.responses import PlainTextResponse

from api.http.middleware.security_headers import HEADERS, SecurityHeaders
from tests.api.http.middleware.apps import get


async def test_a_response_gets_all_headers() -> None:
    headers = (await get(SecurityHeaders(PlainTextResponse("Hello")))).headers
    assert HEADERS.items() <= dict(headers).items()
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", [*HEADERS, "cache-control"])
async def test_a_route_may_set_its_own(name: str) -> None:
    response = await get(SecurityHeaders(PlainTextResponse("Hello", headers={name: "mine"})))
    assert response.headers.get_list(name) == ["mine"]


async def test_a_file_with_an_etag_may_be_cached_and_is_checked() -> None:
    response = await get(SecurityHeaders(PlainTextResponse("Hello", headers={"etag": '"1"'})))
    assert response.headers["cache-control"] == "no-cache"
