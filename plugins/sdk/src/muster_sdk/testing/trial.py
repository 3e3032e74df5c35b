"""Trials: messages are composed and sent to a double, and all that happens meanwhile is taken down."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any, TypeVar

from muster_sdk.aiohttp_client import open_client
from muster_sdk.channel import Composer, Message, Recipient, Transport
from muster_sdk.outcomes import Outcome
from muster_sdk.testing.acts import Act
from muster_sdk.testing.double import ProviderDouble
from muster_sdk.testing.host import KitHost, KitHttp, KitState
from muster_sdk.testing.loop_watch import LoopWatch
from muster_sdk.testing.report import KitReport
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.templates import KitTemplates
from muster_sdk.testing.traces import OpenThings, Traces, traced

__all__ = ["Sending", "Trial", "TrialPlan", "compose", "composer_of", "silent_port"]

T = TypeVar("T")
_SHORT_SECONDS = 0.4
_CONNECTED_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """The course of a trial.

    - `act`: how the double treats all messages; `acts`: those to some addresses.
    - `reach`: "open", "away" (nobody listens) or "silent" (connections are never completed).
    - `allowed`: how many messages may begin; `credentials`: False sends with those of `bad_credentials`.
    - `times`: how often the same messages are sent, by a connection of its own each time.
    - `cancelled`: the seconds after which the sending is broken off.
    """

    act: Act = Act.ACCEPT
    acts: Mapping[str, Act] = field(default_factory=dict[str, Act])
    reach: str = "open"
    allowed: float = inf
    credentials: bool = True
    times: int = 1
    cancelled: float | None = None

    @property
    def is_about_time(self) -> bool:
        return self.act is Act.SILENCE or self.reach == "silent"


@dataclass(slots=True)
class Sending:
    """The result of a trial. `error` is what connecting or sending has raised; `reports` has one for each time."""

    plan: TrialPlan
    messages: Sequence[Message]
    double: ProviderDouble
    settings: Any
    reports: list[KitReport] = field(default_factory=list[KitReport])
    error: BaseException | None = None
    connected: bool = False
    seconds: float = 0
    texts: list[str] = field(default_factory=list[str])
    traces: Traces = field(default_factory=Traces)
    blocks: list[str] = field(default_factory=list[str])
    left_open: list[str] = field(default_factory=list[str])

    @property
    def report(self) -> KitReport:
        return self.reports[0]

    def outcomes(self, turn: int = 0) -> list[Outcome | None]:
        """Return each message's outcome, in the messages' order; None for those without one."""
        return [self.reports[turn].outcomes.get(message.key) for message in self.messages]


def composer_of(subject: ContractSubject, settings: Any, content: Mapping[str, Any] | None = None) -> Composer:
    """Return the channel's composer for the author's content, or another one."""
    channel = subject.channel
    model = channel.content.model_validate(subject.content if content is None else content)
    return channel.prepare(model, settings, KitTemplates())


def compose(composer: Composer, recipients: Sequence[Recipient]) -> list[Message]:
    return [composer.compose(recipient) for recipient in recipients]


class Trial:
    """A double that is started for a block, and the channel's settings that lead to it.

    `run` runs asynchronous work with a host, on an event loop that is watched.
    """

    def __init__(self, subject: ContractSubject, plan: TrialPlan | None = None) -> None:
        self.subject = subject
        self.plan = plan or TrialPlan()
        self.double = subject.provider()
        self.state = KitState()
        self.traces = Traces()
        self.blocks: list[str] = []
        self.left_open: list[str] = []
        self.settings: Any = None

    @contextmanager
    def opened(self) -> Generator["Trial"]:
        """Start the double for the block, and make settings that lead there. What is left open is seen at its end."""
        before = OpenThings()
        self.double.start()
        try:
            self.double.always = self.plan.act
            self.double.plan(self.plan.acts)
            with self._reach():
                self.settings = self.subject.channel.settings.model_validate(self._values())
                yield self
        finally:
            self.double.stop()
        self.left_open += before.since()

    def run(self, work: Callable[[KitHost], Awaitable[T]]) -> T:
        """Run the work on an event loop of its own, within the author's patience. Raise what it raises."""

        async def main() -> T:
            async with open_client(proxies=False) as client:
                host = KitHost(KitHttp(client, _SHORT_SECONDS if self.plan.is_about_time else None), self.state)
                own = asyncio.all_tasks()
                try:
                    async with asyncio.timeout(self.subject.patience):
                        return await work(host)
                finally:
                    # What is done at the next turns of the loop is not left behind.
                    for _ in range(3):
                        await asyncio.sleep(0)
                    running = asyncio.all_tasks() - own
                    self.left_open += [f"the task {task.get_coro()!r}" for task in running]

        with traced() as traces, LoopWatch() as watch, asyncio.Runner() as runner:
            try:
                return runner.run(main())
            finally:
                self.blocks += watch.blocks
                self.traces = traces

    def send(self, messages: Sequence[Message]) -> Sending:
        """Send messages as the plan says, in batches as large as the channel takes."""
        sending = Sending(self.plan, messages, self.double, self.settings)
        size = self.subject.channel.capabilities.max_batch

        async def hand_over(transport: Transport, report: KitReport) -> None:
            for start in range(0, len(messages), size):
                await transport.send(messages[start : start + size], report)
                if report.denied or report.account_refused:
                    return

        async def send_all(host: KitHost) -> None:
            for _ in range(self.plan.times):
                report = KitReport(messages, self.plan.allowed)
                sending.reports.append(report)
                async with self.subject.connect(self.settings, host) as transport:
                    sending.connected = True
                    sending.texts.append(repr(transport))
                    async with asyncio.timeout(self.plan.cancelled):
                        await hand_over(transport, report)

        start = monotonic()
        try:
            self.run(send_all)
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - an author's code: it is told
            if not (self.plan.cancelled and isinstance(error, TimeoutError)):
                sending.error = error
        sending.seconds = monotonic() - start
        sending.traces = self.traces
        return sending

    def _values(self) -> Mapping[str, Any]:
        if self.plan.credentials:
            return self.subject.good_settings(self.double)
        return self.subject.bad_credentials(self.double) or self.subject.good_settings(self.double)

    @contextmanager
    def _reach(self) -> Generator[None]:
        if self.plan.reach == "away":
            self.double.stop()
        if self.plan.reach != "silent":
            yield
            return
        with silent_port() as port:
            self.double.port = port or self.double.port
            yield


@contextmanager
def silent_port() -> Generator[int | None]:
    """Yield a port of 127.0.0.1 that completes no connection, as behind a firewall; None where that cannot be made."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.settimeout(_CONNECTED_SECONDS)
                silent = probe.connect_ex(("127.0.0.1", port)) != 0
            yield port if silent else None
        finally:
            for one in waiting:
                one.close()
