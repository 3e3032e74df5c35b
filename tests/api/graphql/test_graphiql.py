"""GraphiQL, as a browser asks for it."""

import re

import httpx

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "Authorization": ""}


async def test_a_browser_is_shown_graphiql_without_a_token(client: httpx.AsyncClient) -> None:
    page = await client.get("/graphql", headers=BROWSER)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert not re.search(r"<script>|https?://", page.text)


async def test_its_scripts_and_styles_come_from_here(client: httpx.AsyncClient) -> None:
    page = await client.get("/graphql", headers=BROWSER)
    for path in re.findall(r'(?:src|href)="(graphiql/[^"]+)"', page.text):
        asset = await client.get(f"/{path}")
        assert asset.status_code == 200
        assert len(asset.content) > 100_000
    assert "MIT" in (await client.get("/graphiql/NOTICES.txt")).text


async def test_a_program_is_not(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql", params={"query": "{ who }"}, headers={"Accept": "*/*"})
    assert response.json() == {"data": {"who": "ali"}}
