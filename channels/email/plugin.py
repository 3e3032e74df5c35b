"""The e-mail channel, as the entry point `muster: email` registers it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from muster_sdk import (
    AccountLimits,
    AccountReport,
    AddressKind,
    Capabilities,
    Channel,
    Composer,
    Host,
    Templates,
    Transport,
    hookimpl,
)
from pydantic import BaseModel

from channels.email.content import EmailContent
from channels.email.message import composer
from channels.email.settings import EmailSettings
from channels.email.smtp import account, transport


@dataclass(frozen=True)
class EmailChannel:
    key: str = "email"
    label: str = "E-mail"
    version: str = "1.0"
    address: AddressKind = AddressKind.EMAIL
    settings: type[BaseModel] = EmailSettings
    content: type[BaseModel] = EmailContent
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            max_batch=500, connection_check=True, content_review=True, account_limits=True
        )
    )

    def prepare(self, content: EmailContent, settings: EmailSettings | None, templates: Templates) -> Composer:
        return composer.prepare(content, settings, templates)

    def connect(self, settings: EmailSettings, host: Host) -> AbstractAsyncContextManager[Transport]:  # noqa: ARG002 - SMTP is not HTTP
        return transport.connect(settings)

    def account_limits(self, settings: EmailSettings) -> AccountLimits:
        return AccountLimits(settings.account, per_second=settings.messages_per_second)

    async def check(self, settings: EmailSettings, host: Host) -> AccountReport:  # noqa: ARG002 - SMTP is not HTTP
        return await account.check(settings)


@hookimpl
def register_channels() -> list[Channel]:
    return [EmailChannel()]
