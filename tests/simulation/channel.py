"""A channel whose provider keeps a log, and does to messages whatever the seed says."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from muster_sdk import (
    Accepted,
    AccountLimits,
    AccountRefused,
    AddressKind,
    Ambiguous,
    Capabilities,
    Composer,
    Host,
    Message,
    NotSent,
    Outcome,
    Recipient,
    Rejected,
    Report,
    Shown,
    Templates,
    TryAgain,
    Unreachable,
)

from tests.fakes import RecordingContent, RecordingSettings
from tests.simulation.faults import Fault, Point
from tests.simulation.loop import OWNER
from tests.simulation.world import Process, World

# Seconds that a worker waits for the answers to what it has begun, once it is stopped or has lost its lease.
_PATIENCE = 12


class _PlainComposer:
    def compose(self, recipient: Recipient) -> Message:
        return Message(recipient.key, recipient.address, recipient.address, 100)

    def show(self, message: Message) -> Shown:
        return Shown(None, None, message.address, {})


class SimulatedChannel:
    """The provider's side: `accepted` counts what it took, `in_doubt` has the keys whose answers were lost."""

    key = "recording"
    label = "Recording"
    version = "1.0"
    address = AddressKind.EMAIL
    settings = RecordingSettings
    content = RecordingContent

    def __init__(self, world: World, before_message: Callable[[Message], None]) -> None:
        self._world, self._before_message = world, before_message
        idempotency = timedelta(hours=24) if world.chance.random() < 0.4 else None
        self.capabilities = Capabilities(
            max_batch=world.chance.choice((1, 2, 3, 500)), idempotency=idempotency, account_limits=True
        )
        self._limits = AccountLimits(
            "account",
            per_second=world.chance.choice((None, None, 0.5, 20)),
            concurrency=world.chance.choice((None, None, 1)),
        )
        self._connections = world.chance.randint(1, 2)
        # By key, the process that has begun a message and knows no outcome yet.
        self.begun: dict[UUID, Process] = {}
        self.accepted: Counter[UUID] = Counter()
        self.in_doubt: set[UUID] = set()

    def account_limits(self, settings: RecordingSettings) -> AccountLimits:
        return self._limits

    def prepare(self, content: RecordingContent, settings: RecordingSettings | None, templates: Templates) -> Composer:
        return _PlainComposer()

    @asynccontextmanager
    async def connect(self, settings: RecordingSettings, host: Host) -> "AsyncGenerator[SimulatedChannel]":
        if await self._gate(Point.CONNECT) is Fault.UNREACHABLE:
            raise Unreachable("nobody answers")
        yield self

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        """Send over one or two connections beside each other, as the provider has them."""
        lanes = [messages[number :: self._connections] for number in range(self._connections)]
        try:
            # Careless, as plugins are: when one connection raises, the other goes on.
            await asyncio.gather(*(self._send_each(lane, report) for lane in lanes))
        except RuntimeError:
            self.in_doubt.update(message.key for message in messages if message.key in self.begun)
            raise

    async def _send_each(self, messages: Sequence[Message], report: Report) -> None:
        for message in messages:
            await self._gate(Point.TAKE)
            if not report.begin(message):
                return
            self._before_message(message)
            self.begun[message.key] = self._process
            self._world.note(self._process, f"  begins {message.address}")
            outcome = await self._post(message)
            await self._gate(Point.TAKE)
            self._world.note(self._process, f"  ends {message.address}: {outcome}")
            report.end(message, outcome)
            if self.begun.get(message.key) is self._process:
                del self.begun[message.key]

    async def _post(self, message: Message) -> Outcome:  # noqa: PLR0911 - a return an answer
        fault = await self._gate(Point.SEND)
        match fault:
            case Fault.REJECTED if not self._knows(message):
                return Rejected("no such mailbox")
            case Fault.TRY_AGAIN:
                return TryAgain("later", self._world.chance.choice((None, timedelta(0))))
            case Fault.ACCOUNT_REFUSED:
                return AccountRefused("429", self._world.chance.choice((None, timedelta(0), timedelta(seconds=40))))
            case Fault.NOT_SENT:
                return NotSent("down")
            case Fault.AMBIGUOUS_NOT_SENT:
                self.in_doubt.add(message.key)
                return Ambiguous("no answer")
            case Fault.SLOW:
                await self._answer_slowly(message)
            case _:
                pass
        if not self._knows(message):
            self.accepted[message.key] += 1
        match fault:
            case Fault.AMBIGUOUS_SENT:
                self.in_doubt.add(message.key)
                return Ambiguous("no answer")
            case Fault.RAISED:
                self.in_doubt.add(message.key)
                raise RuntimeError("a bug of the channel")
            case Fault.HUNG:
                self.in_doubt.add(message.key)
                await asyncio.sleep(100_000)
            case _:
                pass
        return Accepted("id")

    def _knows(self, message: Message) -> bool:
        """Return whether the provider takes the message for one that it has accepted before."""
        return self.capabilities.idempotent and message.key in self.accepted

    async def _answer_slowly(self, message: Message) -> None:
        """Let time pass; for longer than a worker that is stopped has patience, the answer may come too late."""
        seconds = self._world.chance.choice((5, 11, 13, 100))
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if seconds > _PATIENCE:
                self.in_doubt.add(message.key)
            raise

    async def _gate(self, point: Point) -> Fault | None:
        return await self._world.gate(self._process, point)

    @property
    def _process(self) -> Process:
        process = OWNER.get()
        assert isinstance(process, Process)
        return process
