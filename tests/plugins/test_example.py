"""The example of a stranger's plugin: as the template has it, and at work in a server that it was installed into."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from muster_sdk import AddressKind

from plugins.installation.tools import find_tool
from plugins.template.render import NewPlugin, write_plugin
from tests.api.commands import muster
from tests.journeys.processes import ROOT, served

if TYPE_CHECKING:
    from muster_sdk.testing import HttpDouble

EXAMPLE = ROOT / "tests" / "plugins" / "example"
PLUGIN = NewPlugin("example-sms", "Example SMS", AddressKind.PHONE)
# The grade that its own tests have reached.
NOT_OF_THE_TEMPLATE = {"src/example_sms/muster-contract.json"}
RECIPIENTS = 250
SECONDS = 90
SETTINGS = {"MUSTER_SECRET_KEY": "a key for the example of tests"}
CREATE = """
mutation Create($input: CampaignInput!) {
  campaignCreate(input: $input) { campaign { id reach { recipients } } userErrors { message } }
}
"""
Json = Any


def files_of(folder: Path) -> Mapping[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.endswith(("_cache", "__pycache__")) for part in path.parts)
    }


def test_it_is_what_the_template_writes(tmp_path: Path) -> None:
    write_plugin(PLUGIN, tmp_path / "example", "../../../plugins/sdk")
    checked_in = {name: text for name, text in files_of(EXAMPLE).items() if name not in NOT_OF_THE_TEMPLATE}
    assert files_of(tmp_path / "example") == checked_in, "generate tests/plugins/example anew: see this test"


@pytest.mark.slow
def test_it_passes_its_own_checks(tmp_path: Path) -> None:
    """A package as its author has it: formatted, typed, and within the contract."""
    package = tmp_path / "example"
    shutil.copytree(EXAMPLE, package)
    (package / "src" / "example_sms" / "muster-contract.json").unlink()
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}
    for tool in (["ruff", "format", "--check"], ["ruff", "check"], ["mypy"], ["pytest", "-q", "-p", "no:xdist"]):
        command = [sys.executable, "-m", *tool]
        done = subprocess.run(
            command, cwd=package, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "SILVER" in (package / "src" / "example_sms" / "muster-contract.json").read_text()


@pytest.mark.slow
async def test_a_campaign_goes_through_its_wheel(tmp_path: Path) -> None:
    token = install_wheel(tmp_path)
    with local_provider() as provider, served(SETTINGS, tmp_path) as server:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
            stats = await deliver(client, provider.url)
    assert stats == {"recipients": RECIPIENTS, "sent": RECIPIENTS, "failed": 0, "unknown": 0}
    assert set(provider.deliveries().values()) == {1}
    came = Counter(attempt.message.address for attempt in provider.attempts)
    assert came == Counter(phone(number) for number in range(RECIPIENTS))
    texts = {request.json()["text"] for request in provider.requests if request.path == "/messages"}
    assert texts == {f"Hi Customer {number}" for number in range(RECIPIENTS)}


def install_wheel(folder: Path) -> str:
    """Install the example's wheel and migrate a database; return a token of its store."""
    find_tool().build_wheel(EXAMPLE, folder)
    [wheel] = folder.glob("*.whl")
    installed = muster("plugins", "install", str(wheel), cwd=folder)
    assert installed.returncode == 0, installed.stderr
    listed = muster("plugins", cwd=folder, COLUMNS="200")
    assert ["example-sms", "example-sms", "0.1.0"] in [line.split()[:3] for line in listed.stdout.splitlines()]
    assert muster("migrate", cwd=folder, **SETTINGS).returncode == 0
    created = muster("token", "create", "--scopes", "read,write,send,admin", cwd=folder)
    return created.stdout.splitlines()[-1]


def phone(number: int) -> str:
    return f"+886912{number:06}"


def local_provider() -> "HttpDouble":
    """Return the provider of the package's own tests."""
    spec = spec_from_file_location("example_provider", EXAMPLE / "tests" / "provider.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    double: HttpDouble = module.LocalProvider()
    return double


async def ready(ask: Callable[..., Awaitable[Json]], segment_id: str) -> None:
    """Wait for the segment's first list."""
    look = "query ($id: ID!) { segment(id: $id) { lists(first: 1) { nodes { status } } } }"
    deadline = monotonic() + SECONDS
    while (await ask(look, id=segment_id))["lists"]["nodes"] != [{"status": "READY"}]:
        assert monotonic() < deadline, "the list is not made"
        await asyncio.sleep(0.2)


async def deliver(client: httpx.AsyncClient, provider_url: str) -> Json:
    """Install the channel, send a campaign to all customers, and return its figures when it has ended."""

    async def ask(query: str, **variables: object) -> Json:
        body = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
        assert "errors" not in body, body
        [answer] = body["data"].values()
        assert not (answer and answer.get("userErrors")), answer
        return answer

    settings = {
        "apiBaseUrl": provider_url,
        "token": "token-of-tests",
        "webhookSecret": "secret-of-webhooks",
        "sender": "Shop",
        "messagesPerSecond": 1000,
    }
    install = 'mutation ($s: JSON) { channelInstall(key: "example-sms", settings: $s) { userErrors { message } } }'
    await ask(install, s=settings)
    customers = [
        {
            "externalId": str(number),
            "name": f"Customer {number}",
            "phone": phone(number),
            "contacts": [{"channel": "example-sms", "address": "", "consent": "SUBSCRIBED"}],
        }
        for number in range(RECIPIENTS)
    ]
    upsert = "mutation ($i: [CustomerInput!]!) { customersUpsert(input: $i) { created userErrors { message } } }"
    for first in range(0, RECIPIENTS, 100):
        await ask(upsert, i=customers[first : first + 100])
    segment = "mutation ($i: SegmentInput!) { segmentCreate(input: $i) { segment { id } userErrors { message } } }"
    created = await ask(segment, i={"name": "All", "query": 'consent.example-sms = "SUBSCRIBED"'})
    await ready(ask, created["segment"]["id"])
    content = {"text": "Hi {{ customer.name }}"}
    target = {"segmentId": created["segment"]["id"]}
    campaign_input = {"name": "Hello", "channel": "example-sms", "target": target, "content": content}
    campaign = (await ask(CREATE, input=campaign_input))["campaign"]
    await ask("mutation ($id: ID!) { campaignSend(id: $id) { userErrors { message } } }", id=campaign["id"])
    look = "query ($id: ID!) { campaign(id: $id) { status problem stats { recipients sent failed unknown } } }"
    deadline = monotonic() + SECONDS
    while (state := await ask(look, id=campaign["id"]))["status"] != "SENT":
        assert monotonic() < deadline, state
        await asyncio.sleep(0.2)
    return state["stats"]
