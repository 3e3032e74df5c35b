"""A channel that records its messages and answers as a test says, and services around it."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from muster_sdk import (
    Accepted,
    AddressKind,
    Capabilities,
    Channel,
    Composer,
    ContentWarning,
    Estimate,
    Grade,
    Host,
    Message,
    Outcome,
    Recipient,
    Report,
    Shown,
    Templates,
    Unreachable,
)
from pydantic import BaseModel, ConfigDict

from domain.consents.suppressions import suppression_key
from domain.deliveries.local_session import LocalSessions
from domain.extensions import NO_EXTENSIONS, Extensions
from domain.imports.import_run import ImportEnvironment
from domain.installation.keys import InstallationKeys
from domain.installation.model import LastingKeys
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys
from domain.operations.files import FileDirectory
from domain.services import Services
from domain.sessions.continuity import Continuity
from domain.sessions.journal import JournalDirectory
from domain.sessions.local_settings import check_settings
from domain.stores.channels import CheckedSettings, ConfiguredChannel
from domain.templates.rendering import MinijinjaTemplates
from plugins.contributions import InstalledChannel, Plugins
from plugins.inspection import describe_channel
from tests.factories import NOW

LASTING_KEYS = LastingKeys(b"s" * 32, b"k" * 32)
SUPPRESSION_KEY = suppression_key(LASTING_KEYS)
_FILES = TemporaryDirectory()
IMPORTS = ImportEnvironment(lambda: NOW, SUPPRESSION_KEY, FileDirectory(Path(_FILES.name)))


class RecordingSettings(BaseModel):
    account: str = "test"


class RecordingContent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str


@dataclass(frozen=True, slots=True)
class _Composer:
    text: Callable[[Recipient], str]

    def compose(self, recipient: Recipient) -> Message:
        body = self.text(recipient)
        return Message(recipient.key, recipient.address, body, len(body))

    def review(self, message: Message) -> list[ContentWarning]:
        return [ContentWarning("LONG", "The text is long", ("text",))] if message.size > 10 else []

    def estimate(self, message: Message) -> Estimate:
        return Estimate(-(-message.size // 10), Decimal("0.0075") * -(-message.size // 10), "USD")

    def show(self, message: Message) -> Shown:
        return Shown(None, None, str(message.body), {"to": message.address, "text": str(message.body)})


@dataclass
class RecordingChannel:
    """`answer` says what becomes of a message; `reachable` whether the provider can be connected to."""

    key: str = "recording"
    label: str = "Recording"
    version: str = "1.0"
    address: AddressKind = AddressKind.EMAIL
    settings: type[BaseModel] = RecordingSettings
    content: type[BaseModel] = RecordingContent
    capabilities: Capabilities = field(default_factory=Capabilities)
    sent: list[Message] = field(default_factory=list[Message])
    answer: Callable[[Message], Outcome] = lambda message: Accepted(f"id-{message.address}")
    before: Callable[[Sequence[Message]], object] = lambda _messages: None
    reachable: bool = True

    @classmethod
    def idempotent(cls) -> "RecordingChannel":
        return cls(capabilities=Capabilities(idempotency=timedelta(hours=24)))

    def prepare(self, content: RecordingContent, settings: RecordingSettings | None, templates: Templates) -> Composer:
        template = templates.compile(content.text)
        return _Composer(lambda recipient: template.render(recipient.variables))

    @asynccontextmanager
    async def connect(self, settings: RecordingSettings, host: Host) -> "AsyncGenerator[RecordingChannel]":
        if not self.reachable:
            raise Unreachable("nobody answers")
        yield self

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        for message in messages:
            if not report.begin(message):
                return
        self.before(messages)
        for message in messages:
            self.sent.append(message)
            report.end(message, self.answer(message))

    @property
    def addresses(self) -> list[str]:
        return [message.address for message in self.sent]


@dataclass(frozen=True, slots=True)
class LocalChannel:
    """A channel that runs in this process, and a store's settings of it; `configured` is what the host sees of both."""

    channel: Channel
    settings: BaseModel | None

    @property
    def configured(self) -> ConfiguredChannel:
        return configured_channel(self.channel, self.settings)


def configured_channel(channel: Channel, settings: BaseModel | None) -> ConfiguredChannel:
    values = None if settings is None else check_settings(channel, settings.model_dump(by_alias=True))
    return ConfiguredChannel(describe_channel(channel), values)


def plugins_of(*channels: Channel, package: str = "muster-tests", extensions: Extensions = NO_EXTENSIONS) -> Plugins:
    """Plugins that bring these channels, from the modules of their classes."""
    installed = {
        channel.key: InstalledChannel(
            replace(describe_channel(channel), grade=Grade.BRONZE), package, "1.0", type(channel).__module__
        )
        for channel in channels
    }
    return Plugins(installed, (), extensions)


class OneChannel:
    """A store's channels that are one at most, under whatever key."""

    def __init__(self, local: LocalChannel | None = None) -> None:
        self.configured = None if local is None else local.configured

    @property
    def addresses(self) -> Mapping[str, AddressKind]:
        channel = None if self.configured is None else self.configured.channel
        return {} if channel is None else {channel.key: channel.address}

    @property
    def capabilities(self) -> Mapping[str, Capabilities]:
        channel = None if self.configured is None else self.configured.channel
        return {} if channel is None else {channel.key: channel.capabilities}

    async def check(
        self, database: Database, store_id: int, key: str, settings: Mapping[str, object]
    ) -> CheckedSettings | None:
        raise NotImplementedError("this store's channels are what the test says")

    async def configure(
        self,
        tx: Transaction,
        store_id: int,
        key: str,
        settings: CheckedSettings | Mapping[str, object] | None,
        now: datetime,
    ) -> None:
        raise NotImplementedError("this store's channels are what the test says")

    async def find(self, tx: Transaction, store_id: int, key: str) -> ConfiguredChannel | None:
        return self.configured


def make_services(
    database: Database,
    channel: LocalChannel | None = None,
    *,
    clock: Clock = lambda: NOW,
    files: FileDirectory | None = None,
    extensions: Extensions = NO_EXTENSIONS,
    journals: JournalDirectory | None = None,
    keys: InstallationKeys | None = None,
) -> Services:
    """Services of a test; files lie nowhere unless they are given."""
    return Services(
        database=database,
        clock=clock,
        templates=(templates := MinijinjaTemplates()),
        public_url="https://shop.example",
        keys=keys or InstallationKeys(SecretKeys(KeyPair(SecretKey(b"k" * 32))), LASTING_KEYS),
        channels=OneChannel(channel),
        sessions=LocalSessions(templates, channels=[] if channel is None else [channel.channel]),
        journals=journals or JournalDirectory(None),
        continuity=Continuity(None),
        files=files or FileDirectory(Path("/nonexistent")),
        extensions=extensions,
    )
