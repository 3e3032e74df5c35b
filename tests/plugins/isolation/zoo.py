"""A zoo of bad channels: each of them misbehaves where content or settings say so, and sends all else to a file."""

import asyncio
import ctypes
import os
import socket
import time
import urllib.request
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from muster_sdk import (
    Accepted,
    AccountReport,
    AddressKind,
    Capabilities,
    Channel,
    Composer,
    ContentInvalid,
    Host,
    Message,
    Recipient,
    Report,
    Shown,
    State,
    Templates,
    Unreachable,
    hookimpl,
)
from pydantic import BaseModel


class Settings(BaseModel):
    # Gets a line for each message that was sent.
    log: str
    # How a check misbehaves: a name of MISDEEDS, "away", "lie" or "refuse".
    check: str = ""


class Content(BaseModel):
    text: str = "Hi {{ customer.name }}"
    # Where it misbehaves (prepare, compose, connect, begun, ended), and how: a name of MISDEEDS.
    where: str = ""
    how: str = ""


def leave() -> None:
    os._exit(3)


def quit_politely() -> None:
    raise SystemExit(4)


def interrupt() -> None:
    raise KeyboardInterrupt


def eat() -> None:
    eaten: list[bytes] = []
    while True:
        eaten.append(bytearray(64 << 20))  # type: ignore[arg-type]  # bytes that are really there


def crash() -> None:
    ctypes.string_at(0)


def fail() -> None:
    raise RuntimeError("boom")


def block() -> None:
    time.sleep(3600)


MISDEEDS: dict[str, Callable[[], None]] = {
    action.__name__: action for action in (leave, quit_politely, interrupt, eat, crash, fail, block)
}


@dataclass(frozen=True)
class Letter:
    content: Content
    text: Callable[[Recipient], str]

    def compose(self, recipient: Recipient) -> Message:
        misbehave(self.content, "compose")
        body = visit(self.content.how) if self.content.where == "visit" else self.text(recipient)
        return Message(recipient.key, recipient.address, (self.content, body), len(body))

    def show(self, message: Message) -> Shown:
        return Shown(None, None, str(message.body), {})


def visit(target: str) -> str:
    """Connect as any channel's library may, and return what became of it."""
    how, _, port = target.partition(":")
    try:
        match how:
            case "socket":
                socket.create_connection(("localhost", int(port)), timeout=5).close()
            case "unresolved":
                with socket.socket() as connection:
                    connection.connect(("localhost", int(port)))
            case "http":
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            case _:
                with ThreadPoolExecutor(1) as thread:
                    thread.submit(asyncio.run, _open(int(port))).result()
    except OSError as error:
        return repr(error)
    return "visited"


async def _open(port: int) -> None:
    _, writer = await asyncio.open_connection("localhost", port)
    writer.close()


@dataclass(frozen=True)
class Cage:
    log: Path
    state: State

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        self.state.put("sent", self.state.get("sent", 0) + len(messages))
        for number, message in enumerate(messages):
            content, body = cast("tuple[Content, str]", message.body)
            if not report.begin(message):
                return
            if number == 2:
                misbehave(content, "begun")
            with self.log.open("a") as log:
                log.write(f"{message.address} {body}\n")
            report.end(message, Accepted(f"id-{message.address}"))
            if number == 2:
                misbehave(content, "ended")
                if content.how == "hang":
                    await asyncio.sleep(3600)


def misbehave(content: Content, where: str) -> None:
    if content.where == where and content.how in MISDEEDS:
        MISDEEDS[content.how]()


@dataclass(frozen=True)
class Zoo:
    key: str = "zoo"
    label: str = "Zoo"
    version: str = "1.0"
    address: AddressKind = AddressKind.EMAIL
    settings: type[BaseModel] = Settings
    content: type[BaseModel] = Content
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(connection_check=True))

    async def check(self, settings: Settings, host: Host) -> AccountReport:
        host.state.put("checks", host.state.get("checks", 0) + 1)
        match settings.check:
            case "":
                return AccountReport("The zoo", [str(host.webhook_url)])
            case "away":
                raise Unreachable("The zoo is closed")
            case "refuse":
                raise ContentInvalid("A log is a file", ("log",))
            case "lie":
                return cast("AccountReport", {"account": 7})
            case "ask":
                await host.http.request("GET", "http://127.0.0.1:9/")
            case how:
                MISDEEDS[how]()
        return AccountReport("The zoo")

    def prepare(self, content: Content, settings: Settings | None, templates: Templates) -> Composer:
        misbehave(content, "prepare")
        template = templates.compile(content.text)
        return Letter(content, lambda recipient: template.render(recipient.variables))

    @asynccontextmanager
    async def connect(self, settings: Settings, host: Host) -> AsyncGenerator[Cage]:
        yield Cage(Path(settings.log), host.state)


@hookimpl
def register_channels() -> list[Channel]:
    return [Zoo()]
