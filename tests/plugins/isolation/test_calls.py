"""Calls of a channel's methods in its own process: what it may raise comes through, all else is its fault alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from muster_sdk import AccountReport, ContentInvalid, Unreachable

from api.settings import child_environment
from domain.sessions import calls
from domain.sessions.calls import CallContext, ChannelCall
from domain.sessions.session import ChannelBroken
from plugins.isolation import process as channel_process
from plugins.isolation.sessions import IsolatedSessions
from tests.fakes import plugins_of
from tests.plugins.isolation.zoo import Zoo

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def sessions(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[IsolatedSessions]:
    monkeypatch.setattr(channel_process, "BLOCKED_SECONDS", 7.0)
    environment = {**child_environment(), "PYTHONPATH": str(ROOT)}
    opened = IsolatedSessions(plugins_of(Zoo(), package="muster-zoo"), environment, 512)
    yield opened
    await opened.close()


def context(check: str = "", **state: object) -> CallContext:
    settings = {"log": "/dev/null", "check": check}
    return CallContext("zoo", settings, state, "https://muster.example/webhooks/zoo/1")


async def test_a_call_answers_and_tells_what_the_state_has_become(sessions: IsolatedSessions) -> None:
    first = await sessions.call(calls.check(), context())
    assert first.value == AccountReport("The zoo", ["https://muster.example/webhooks/zoo/1"])
    assert first.state_changes == {"checks": 1}
    assert (await sessions.call(calls.check(), context(checks=4))).state_changes == {"checks": 5}


async def test_what_a_method_may_raise_comes_through(sessions: IsolatedSessions) -> None:
    with pytest.raises(Unreachable, match="The zoo is closed"):
        await sessions.call(calls.check(), context("away"))
    with pytest.raises(ContentInvalid) as refused:
        await sessions.call(calls.check(), context("refuse"))
    assert (refused.value.message, refused.value.path) == ("A log is a file", ("log",))


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("fail", "failed in check: RuntimeError"),
        ("lie", "answered check with a dict that is wrong"),
        ("leave", "ended its process: status 3"),
        ("block", "did not answer check in 2 seconds"),
        ("ask", "failed in check: NotConnected"),
    ],
)
async def test_a_call_that_breaks_names_the_channel_and_the_next_one_works(
    sessions: IsolatedSessions, how: str, reason: str
) -> None:
    call: ChannelCall[AccountReport] = ChannelCall("check", AccountReport, 2)
    with pytest.raises(ChannelBroken) as broken:
        await sessions.call(call, context(how))
    assert "zoo" in str(broken.value)
    assert reason in str(broken.value)
    assert (await sessions.call(calls.check(), context())).value.account == "The zoo"
