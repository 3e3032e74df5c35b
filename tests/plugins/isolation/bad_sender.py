"""A channel that misbehaves while it sends, as the name of its module says: `zoo_hang` hangs."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast
from uuid import uuid4

from muster_sdk import (
    Accepted,
    AddressKind,
    Capabilities,
    Channel,
    Composer,
    Host,
    Message,
    Outcome,
    Recipient,
    Report,
    Shown,
    Templates,
    hookimpl,
)
from pydantic import BaseModel

HOW = __name__.rpartition("_")[2]


class Settings(BaseModel):
    account: str


class Content(BaseModel):
    text: str


@dataclass(frozen=True)
class Letter:
    text: str

    def compose(self, recipient: Recipient) -> Message:
        return Message(recipient.key, recipient.address, self.text, len(self.text))

    def show(self, message: Message) -> Shown:
        return Shown(None, None, str(message.body), {})


class Sender:
    async def send(self, messages: Sequence[Message], report: Report) -> None:
        first = messages[0]
        report.begin(first)
        match HOW:
            case "hang":
                await asyncio.sleep(3600)
            case "block":
                time.sleep(3600)  # noqa: ASYNC251 - what a bad channel does
            case "exit":
                os._exit(3)
            case "raise":
                raise RuntimeError("the text of a customer")
            case "flood":
                eaten: list[bytearray] = []
                while True:
                    eaten.append(bytearray(16 << 20))
            case "lie":
                report.end(first, cast("Outcome", "delivered, honestly"))
                report.end(Message(uuid4(), "nobody@example.com", "", 0), Accepted("x"))
            case other:
                raise AssertionError(other)


@dataclass(frozen=True)
class BadSender:
    key: str = f"zoo-{HOW}"
    label: str = HOW
    version: str = "1.0"
    address: AddressKind = AddressKind.EMAIL
    settings: type[BaseModel] = Settings
    content: type[BaseModel] = Content
    capabilities: Capabilities = field(default_factory=Capabilities)

    def prepare(self, content: Content, settings: Settings | None, templates: Templates) -> Composer:
        return Letter(content.text)

    @asynccontextmanager
    async def connect(self, settings: Settings, host: Host) -> AsyncGenerator[Sender]:
        yield Sender()


@hookimpl
def register_channels() -> list[Channel]:
    return [BadSender()]
