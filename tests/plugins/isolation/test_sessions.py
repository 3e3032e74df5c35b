"""A channel harms itself alone, and what it had done when it broke is known."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from uuid import UUID, uuid5

import pytest
from muster_sdk import Accepted, Recipient

from api.settings import child_environment
from domain.kit.errors import DomainErrors
from domain.sessions.session import ChannelBroken
from domain.sessions.window import MessageWindow
from domain.stores.channels import ConfiguredChannel
from plugins.contributions import InstalledFilter
from plugins.inspection import FilterDescription
from plugins.isolation import process as channel_process
from plugins.isolation.sessions import IsolatedSessions
from tests.fakes import configured_channel, plugins_of
from tests.plugins.isolation.zoo import Settings, Zoo

ROOT = Path(__file__).parents[3]
_KEYS = UUID("00000000-0000-5000-8000-000000000001")


@pytest.fixture
async def sessions(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[IsolatedSessions]:
    monkeypatch.setattr(channel_process, "BLOCKED_SECONDS", 7.0)
    environment = {**child_environment(), "PYTHONPATH": str(ROOT)}
    opened = IsolatedSessions(plugins_of(Zoo(), package="muster-zoo"), environment, 512)
    yield opened
    await opened.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "sent.log"
    path.touch()
    return path


def zoo(log: Path) -> ConfiguredChannel:
    return configured_channel(Zoo(), Settings(log=str(log)))


def sent(log: Path) -> list[str]:
    return log.read_text().splitlines()


async def hand_over(
    sessions: IsolatedSessions, log: Path, window: MessageWindow, journal: Path | None, **content: str
) -> None:
    """Send a window of messages to five people."""
    async with sessions.open(zoo(log), content) as session:
        await session.connect(journal)
        await session.send(people(), window)


def people(count: int = 5) -> list[Recipient]:
    return [
        Recipient(uuid5(_KEYS, str(n)), f"c{n}@example.com", {"customer": {"name": f"Ann {n}"}}) for n in range(count)
    ]


async def test_messages_are_composed_and_sent_in_a_process_of_their_own(
    sessions: IsolatedSessions, log: Path, tmp_path: Path
) -> None:
    window = MessageWindow(monotonic() + 60)
    recipients = people(3)
    async with sessions.open(zoo(log), {}) as session:
        assert not session.reads_properties
        assert (await session.show(recipients[0])).shown.text is not None
        await session.connect(tmp_path / "claim.journal")
        await session.send(recipients, window)
    assert sent(log) == [f"c{n}@example.com Hi Ann {n}" for n in range(3)]
    assert window.begun == {recipient.key for recipient in recipients}
    assert window.outcomes == {one.key: Accepted(f"id-{one.address}") for one in recipients}


async def test_a_process_serves_one_session_after_another(sessions: IsolatedSessions, log: Path) -> None:
    processes: set[object] = set()
    for _ in range(3):
        async with sessions.open(zoo(log), {}) as session:
            processes.add(session.process)
    with pytest.raises(DomainErrors):
        async with sessions.open(zoo(log), {"text": 5}):
            pass
    async with sessions.open(zoo(log), {}) as session:
        processes.add(session.process)
        async with sessions.open(zoo(log), {}) as second:
            assert second.process is not session.process
    assert len(processes) == 1


async def test_content_that_does_not_fit_is_refused_with_its_path(sessions: IsolatedSessions, log: Path) -> None:
    with pytest.raises(DomainErrors) as refused:
        async with sessions.open(zoo(log), {"text": 5}):
            pass
    assert [error.field for error in refused.value.errors] == [("text",)]


async def test_a_sandbox_shows_what_it_would_have_sent(sessions: IsolatedSessions) -> None:
    window, recipients = MessageWindow(monotonic() + 60), people(2)
    async with sessions.open(configured_channel(Zoo(), None), {}) as session:
        await session.connect(None)
        await session.send(recipients, window)
    assert {key: shown["text"] for key, shown in window.shown.items()}.keys() == {one.key for one in recipients}
    assert set(window.outcomes.values()) == {Accepted("sandbox")}


SLOW = {"block", "eat"}
HOW = {
    "leave": "ended its process: status 3",
    "quit_politely": "raised SystemExit",
    "interrupt": "raised KeyboardInterrupt",
    "eat": "MemoryError",
    "crash": r"signal 11 \(SIGSEGV\)",
    "fail": "RuntimeError",
    "block": "was blocked by its code for 7 seconds",
}


@pytest.mark.parametrize("how", [pytest.param(how, marks=pytest.mark.slow) if how in SLOW else how for how in HOW])
async def test_what_a_channel_had_done_when_it_broke_is_known(
    sessions: IsolatedSessions, log: Path, tmp_path: Path, how: str
) -> None:
    window, recipients = MessageWindow(monotonic() + 60), people()
    with pytest.raises(ChannelBroken, match=HOW[how]) as broken:
        await hand_over(sessions, log, window, tmp_path / "claim.journal", where="begun", how=how)
    assert "The channel zoo" in str(broken.value)
    assert set(window.outcomes) == {recipient.key for recipient in recipients[:2]}
    assert window.begun == {recipient.key for recipient in recipients[:3]}
    assert len(sent(log)) == 2
    async with sessions.open(zoo(log), {}) as session:
        assert (await session.show(recipients[0])).shown.text, "the next session is as good as the first"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["leave", "quit_politely", "fail", "crash"])
@pytest.mark.parametrize("where", ["prepare", "compose"])
async def test_a_channel_that_breaks_before_it_sends_has_begun_nothing(
    sessions: IsolatedSessions, log: Path, tmp_path: Path, where: str, how: str
) -> None:
    window = MessageWindow(monotonic() + 60)
    with pytest.raises(ChannelBroken, match=HOW[how]):
        await hand_over(sessions, log, window, tmp_path / "claim.journal", where=where, how=how)
    assert (window.begun, window.outcomes) == (set(), {})
    assert sent(log) == []


async def test_without_a_journal_anything_may_have_begun(sessions: IsolatedSessions, log: Path) -> None:
    window, recipients = MessageWindow(monotonic() + 60), people()
    with pytest.raises(ChannelBroken):
        await hand_over(sessions, log, window, None, where="begun", how="leave")
    assert window.begun == {recipient.key for recipient in recipients}


async def test_a_sending_that_is_broken_off_leaves_its_process_dead_and_its_messages_known(
    sessions: IsolatedSessions, log: Path, tmp_path: Path
) -> None:
    window, recipients = MessageWindow(monotonic() + 60), people()
    task = asyncio.create_task(hand_over(sessions, log, window, tmp_path / "claim.journal", how="hang"))
    async with asyncio.timeout(30):
        while len(window.outcomes) < 3:  # noqa: ASYNC110 - the window is no event
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(window.outcomes) == {recipient.key for recipient in recipients[:3]} == window.begun


async def test_a_channel_sees_nothing_of_the_server_s_environment(
    sessions: IsolatedSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "MUSTER_SECRET_KEY", "a secret of the server")
    monkeypatch.setitem(os.environ, "DATABASE_PASSWORD", "another")
    names = set(child_environment())
    assert not {name for name in names if name.startswith("MUSTER") or "PASSWORD" in name}
    assert "PATH" in names


@pytest.mark.slow
async def test_a_machine_that_stood_still_has_no_blocked_channel(sessions: IsolatedSessions, log: Path) -> None:
    window = MessageWindow(deadline=monotonic() + 60)
    async with sessions.open(zoo(log), {}) as session:
        await session.connect(None)
        channel = session.process._process.pid  # pyright: ignore[reportPrivateUsage] # nobody else stops it
        os.kill(channel, signal.SIGSTOP)
        time.sleep(8)  # noqa: ASYNC251 - this process stands still too
        sending = asyncio.create_task(session.send(people(), window))
        await asyncio.sleep(1)
        os.kill(channel, signal.SIGCONT)
        await sending
    assert len(window.outcomes) == len(sent(log)) == 5


async def test_templates_have_the_filters_of_plugins_that_work(log: Path) -> None:
    environment = {**child_environment(), "PYTHONPATH": str(ROOT)}
    filters = {
        name: InstalledFilter(FilterDescription(name, ""), "muster-words", "1.0", f"tests.plugins.isolation.{module}")
        for name, module in (("gone", "no_such_module"), ("shout", "words"))
    }
    plugins = replace(plugins_of(Zoo()), template_filters=filters)
    sessions = IsolatedSessions(plugins, environment, 512)
    try:
        async with sessions.open(zoo(log), {"text": "{{ customer.name|shout }}"}) as session:
            assert "ANN 0!" in str((await session.show(people(1)[0])).shown.text)
        with pytest.raises(DomainErrors, match="There is no filter 'gone'"):
            async with sessions.open(zoo(log), {"text": "{{ customer.name|gone }}"}):
                pass
    finally:
        await sessions.close()
