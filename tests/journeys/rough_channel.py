"""Channels over `host.http` to a rough provider: one that knows messages by their keys, and a plain one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from muster_sdk import (
    Accepted,
    AccountLimits,
    AccountRefused,
    AddressKind,
    Ambiguous,
    Capabilities,
    Channel,
    Composer,
    Host,
    Message,
    NoAnswer,
    NotConnected,
    NotSent,
    Outcome,
    Recipient,
    Rejected,
    Report,
    Shown,
    Templates,
    TryAgain,
    hookimpl,
)
from pydantic import BaseModel

RATE = 400
# Requests under way at the same time in one session.
CONNECTIONS = 20
TIMEOUT = 2.0


class RoughSettings(BaseModel):
    url: str


class RoughContent(BaseModel):
    text: str = "Hi"


@dataclass(frozen=True)
class Note:
    text: str

    def compose(self, recipient: Recipient) -> Message:
        return Message(recipient.key, recipient.address, self.text, len(self.text))

    def show(self, message: Message) -> Shown:
        return Shown(None, None, self.text, {"to": message.address})


@dataclass(frozen=True)
class RoughTransport:
    url: str
    host: Host

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        waiting = list(reversed(messages))

        async def send_each() -> None:
            while waiting and report.begin(message := waiting.pop()):
                report.end(message, await self._post(message))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(CONNECTIONS, len(messages))):
                group.create_task(send_each())

    async def _post(self, message: Message) -> Outcome:  # noqa: PLR0911 - a return an answer
        try:
            answer = await self.host.http.request(
                "POST",
                self.url,
                json={"key": message.key.hex, "to": message.address},
                timeout_seconds=TIMEOUT,
            )
        except NotConnected as error:
            return NotSent(str(error))
        except NoAnswer as error:
            return Ambiguous(str(error))
        match answer.status:
            case 202:
                return Accepted(answer.json()["id"])
            case 422:
                return Rejected("422 No such number")
            case 429:
                return AccountRefused("429 Too many requests", answer.retry_after)
            case 503:
                return TryAgain("503 Busy", timedelta(seconds=1))
            case _:
                return Ambiguous(f"{answer.status}")


@dataclass(frozen=True)
class RoughChannel:
    key: str
    capabilities: Capabilities
    label: str = "Rough"
    version: str = "1.0"
    address: AddressKind = AddressKind.EMAIL
    settings: type[BaseModel] = field(default=RoughSettings)
    content: type[BaseModel] = field(default=RoughContent)

    def prepare(self, content: RoughContent, settings: RoughSettings | None, templates: Templates) -> Composer:
        return Note(content.text)

    @asynccontextmanager
    async def connect(self, settings: RoughSettings, host: Host) -> AsyncGenerator[RoughTransport]:
        yield RoughTransport(settings.url, host)


@dataclass(frozen=True)
class LimitedRoughChannel(RoughChannel):
    def account_limits(self, settings: RoughSettings) -> AccountLimits:
        return AccountLimits(settings.url, per_second=RATE)


PLAIN = LimitedRoughChannel("plain", Capabilities(account_limits=True))
KEYED = RoughChannel("keyed", Capabilities(idempotency=timedelta(hours=24)))


@hookimpl
def register_channels() -> list[Channel]:
    return [PLAIN, KEYED]
