"""What a channel's process may connect to (S9): nothing of our own network, unless the operator says so."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from muster_sdk import Recipient, Unreachable
from structlog.testing import capture_logs

from api.settings import child_environment
from channels.email.plugin import EmailChannel
from channels.email.settings import EmailSettings
from channels.email.sink.server import SmtpSink
from domain.stores.channels import ConfiguredChannel
from plugins.isolation.sessions import IsolatedSessions
from plugins.isolation.targets import Targets
from tests.fakes import configured_channel, plugins_of
from tests.plugins.isolation.zoo import Settings, Zoo

ROOT = Path(__file__).parents[3]
CONTENT = {"subject": "Hi", "html": "<p>Hi</p>"}

INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "192.0.2.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "192.88.99.1",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1", "::7f00:1", "::a9fe:a9fe",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1",
    "2001:0:53aa:64c::1", "100::1",
]  # fmt: skip
# What the address of a socket holds before anybody has resolved it, and notations that only a resolver reads.
NO_ADDRESSES = ["localhost", "smtp.example.com", "", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "<broadcast>"]
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "::ffff:1.1.1.1",
    "64:ff9b::101:101", "2002:101:101::1",
]  # fmt: skip


@pytest.mark.parametrize("host", [*INSIDE, *NO_ADDRESSES, None, b"127.0.0.1"])
def test_nothing_of_the_inside_is_connected_to(host: object) -> None:
    assert not Targets(()).permit(host)


@pytest.mark.parametrize("host", PUBLIC)
def test_what_is_public_is(host: str) -> None:
    assert Targets(()).permit(host)


def test_what_the_operator_allows_is_connected_to_and_nothing_beside_it() -> None:
    targets = Targets(("10.1.0.0/16", "127.0.0.1", "fd00::/8"))
    allowed = ["10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1", "fd12::1", "1.1.1.1"]
    assert [host for host in allowed if not targets.permit(host)] == []
    assert [host for host in ["10.2.0.1", "127.0.0.2", "fe80::1", "localhost"] if targets.permit(host)] == []
    assert all(Targets(("allow",)).permit(host) for host in [*INSIDE, *PUBLIC, "localhost"])


@asynccontextmanager
async def sessions(*allowed: str) -> AsyncGenerator[IsolatedSessions]:
    environment = {**child_environment(), "PYTHONPATH": str(ROOT)}
    opened = IsolatedSessions(plugins_of(EmailChannel(), Zoo()), environment, 512, allowed)
    yield opened
    await opened.close()


def email(port: int, host: str = "127.0.0.1") -> ConfiguredChannel:
    values = {"host": host, "port": port, "security": "none", "fromAddress": "shop@example.com"}
    return configured_channel(EmailChannel(), EmailSettings.model_validate(values))


async def connect(opened: IsolatedSessions, configured: ConfiguredChannel) -> str | None:
    """Return why it is unreachable, None when it is not."""
    try:
        async with opened.open(configured, CONTENT) as session:
            await session.connect(None)
    except Unreachable as error:
        assert configured.settings is not None
        return error.reason.replace(str(configured.settings["port"]), "PORT")
    return None


@asynccontextmanager
async def canary() -> AsyncGenerator[tuple[int, list[object]]]:
    """A server that notes who connects to it."""
    visits: list[object] = []

    async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], visits
    server.close()
    await server.wait_closed()


async def test_what_is_forbidden_closed_and_silent_looks_the_same_and_the_canary_hears_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    async with canary() as (port, visits):
        with capture_logs() as lines:
            async with sessions() as forbidding:
                forbidden = await connect(forbidding, email(port))
                by_name = await connect(forbidding, email(port, "localhost"))
                nobody = await connect(forbidding, email(closed))
                unknown = await connect(forbidding, email(port, "no.such.host.invalid"))
            async with sessions("127.0.0.1") as allowing:
                really_closed = await connect(allowing, email(closed))
        assert visits == []
    assert forbidden is not None
    assert forbidden == nobody == really_closed == "127.0.0.1:PORT cannot be reached: check host and port"
    assert by_name == forbidden.replace("127.0.0.1", "localhost")
    assert unknown == forbidden.replace("127.0.0.1", "no.such.host.invalid")
    refused = [line for line in lines if line["event"] == "channel_target_refused"]
    assert {"127.0.0.1"} <= {line["address"] for line in refused}
    assert {line["channel"] for line in refused} == {"email"}
    causes = [line["cause"] for line in lines if line["event"] == "channel_unreachable"]
    assert len(causes) == 5
    assert "gaierror" in causes[3]


async def test_a_server_that_is_allowed_gets_its_mail() -> None:
    with SmtpSink() as sink:
        async with sessions("127.0.0.0/8") as opened:
            assert await connect(opened, email(sink.port)) is None


@pytest.mark.parametrize("how", ["socket", "unresolved", "http", "asyncio"])
async def test_a_stranger_s_channel_is_guarded_without_its_help(how: str, tmp_path: Path) -> None:
    configured = configured_channel(Zoo(), Settings(log=str(tmp_path / "sent.log")))
    recipient = Recipient(key=uuid4(), address="a@example.com", variables={})
    async with canary() as (port, visits):
        content = {"where": "visit", "how": f"{how}:{port}"}
        async with sessions() as forbidding, forbidding.open(configured, content) as session:
            shown = str((await session.show(recipient)).shown.text)
        assert visits == []
    assert "Connection refused" in shown or "ConnectionRefusedError" in shown
