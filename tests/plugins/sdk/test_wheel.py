"""The SDK's wheel works by itself: outside the checkout, with its extra for tests and without the server."""

import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("planted faults")]
_OFFLINE = ("Failed to fetch", "dns error", "error sending request", "Connection refused", "Could not connect")

POST = """
    from collections.abc import AsyncGenerator, Sequence
    from contextlib import asynccontextmanager
    from dataclasses import dataclass
    from typing import Any

    from muster_sdk import (
        Accepted, AccountRefused, AddressKind, Ambiguous, Capabilities, Composer, ContentInvalid, Host, Message,
        NoAnswer, NotConnected, NotSent, Outcome, Recipient, Rejected, Report, Shown, Template, TemplateInvalid,
        Templates, TryAgain,
    )
    from pydantic import BaseModel, ConfigDict, Field, SecretStr


    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

        api_base_url: str = "https://post.example"
        token: SecretStr


    class Content(BaseModel):
        model_config = ConfigDict(extra="forbid")

        text: str = Field(min_length=1)


    @dataclass
    class Letters:
        template: Template

        def compose(self, recipient: Recipient) -> Message:
            text = self.template.render(recipient.variables)
            return Message(recipient.key, recipient.address, text, len(text) + 1)

        def show(self, message: Message) -> Shown:
            text = str(message.body)
            return Shown(None, None, text, {"to": message.address, "text": text})


    @dataclass
    class Van:
        settings: Settings
        host: Host

        async def send(self, messages: Sequence[Message], report: Report) -> None:
            for message in messages:
                if not report.begin(message):
                    return
                outcome = await self.post(message)
                report.end(message, outcome)
                if isinstance(outcome, AccountRefused):
                    return

        async def post(self, message: Message) -> Outcome:
            headers = {"Authorization": self.settings.token.get_secret_value()}
            url, letter = f"{self.settings.api_base_url}/letters", {"to": message.address, "text": message.body}
            try:
                answer = await self.host.http.request("POST", url, headers=headers, json=letter)
            except NotConnected as error:
                return NotSent(str(error))
            except NoAnswer as error:
                return Ambiguous(str(error))
            match answer.status:
                case 202:
                    return Accepted()
                case 401 | 429:
                    return AccountRefused(f"The post office answers {answer.status}", after=answer.retry_after)
                case 409:
                    return TryAgain("The letter box is full")
                case 422:
                    return Rejected("There is no such address")
                case status:
                    return Ambiguous(f"The post office answers {status}")


    class Post:
        key, label, version = "post", "Post", "0.1"
        address = AddressKind.HANDLE
        settings, content = Settings, Content
        capabilities = Capabilities(max_batch=20)

        def prepare(self, content: Any, settings: Any, templates: Templates) -> Composer:
            try:
                return Letters(templates.compile(content.text))
            except TemplateInvalid as error:
                raise ContentInvalid(error.message, ("text",)) from error

        @asynccontextmanager
        async def connect(self, settings: Any, host: Host) -> AsyncGenerator[Van]:
            yield Van(settings, host)
"""
TESTS = """
    from muster_sdk.testing import Act, ChannelContract, HttpDouble, HttpReply, SentMessage

    from post import Post

    STATUSES = {Act.REFUSE_RECIPIENT: 422, Act.DEFER_RECIPIENT: 409}


    class PostOffice(HttpDouble):
        def is_authorized(self, request):
            return request.headers.get("authorization") == "token-4711"

        def messages_of(self, request):
            return [SentMessage(request.json()["to"])]

        def reply(self, request, attempts):
            return HttpReply(STATUSES.get(attempts[0].act, 202))


    class TestPost(ChannelContract):
        channel = Post()
        provider = PostOffice
        content = {"text": "Dear {{ customer.name }}"}
        bad_settings = [({}, ("token",)), ({"token": "x", "more": 1}, ("more",))]
        bad_content = [({"text": ""}, ("text",)), ({"text": "{{"}, ("text",))]

        def good_settings(self, provider):
            return {"api_base_url": provider.url, "token": "token-4711"}


    def test_the_server_is_not_there():
        import sys

        assert not {"api", "domain", "plugins", "channels", "starlette", "sqlalchemy"} & set(sys.modules)
"""
INI = """
    [pytest]
    filterwarnings = error
    asyncio_default_fixture_loop_scope = function
"""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a fresh environment that has the wheel and its extra alone."""
    uv = shutil.which("uv") or ROOT / run("sh", ".ci/uv", cwd=ROOT).stdout.strip()
    folder = tmp_path_factory.mktemp("sdk")
    commands: list[tuple[str | Path, ...]] = [
        (uv, "build", "--wheel", ROOT / "plugins" / "sdk", "--out-dir", folder),
        (uv, "venv", "--python", sys.executable, folder / "venv"),
    ]
    for command in commands:
        _done(run(*command, cwd=folder))
    [wheel] = folder.glob("*.whl")
    python = folder / "venv" / "bin" / "python"
    _done(run(uv, "pip", "install", "--python", python, f"muster-sdk[testing] @ {wheel.as_uri()}", cwd=folder))
    return python


def _done(ran: subprocess.CompletedProcess[str]) -> None:
    if ran.returncode and any(sign in ran.stderr for sign in _OFFLINE):
        pytest.skip("there is no network to fetch packages from")
    assert ran.returncode == 0, ran.stderr


def test_a_channel_passes_the_contract_outside_the_checkout(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "post.py").write_text(dedent(POST))
    (tmp_path / "test_post.py").write_text(dedent(TESTS))
    (tmp_path / "pytest.ini").write_text(dedent(INI))
    ran = run(environment, "-m", "pytest", "-q", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout[-3_000:] + ran.stderr
    assert "post 0.1: BRONZE" in ran.stdout
    assert '"grade": "BRONZE"' in (tmp_path / "muster-contract.json").read_text()
