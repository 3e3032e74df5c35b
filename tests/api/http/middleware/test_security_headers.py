"""Every response has the headers that it did not set itself (S18)."""

import pytest
from starlette.responses import PlainTextResponse

from api.http.middleware.security_headers import HEADERS, HTTPS_ONLY, SecurityHeaders
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


@pytest.mark.parametrize("https", [False, True])
async def test_browsers_are_told_to_stay_with_https_where_there_is_https(https: bool) -> None:
    headers = (await get(SecurityHeaders(PlainTextResponse("Hello"), https=https))).headers
    assert (HTTPS_ONLY.items() <= dict(headers).items()) is https


async def test_no_page_is_framed_by_another_nor_runs_what_is_not_its_own() -> None:
    headers = (await get(SecurityHeaders(PlainTextResponse("Hello")))).headers
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} <= set(policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
