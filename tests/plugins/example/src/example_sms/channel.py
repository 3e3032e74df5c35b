"""The channel: what it needs, what it can, and how it connects."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from muster_sdk import (
    AccountLimits,
    AccountReport,
    AddressKind,
    Capabilities,
    Composer,
    Host,
    MessageReference,
    NoAnswer,
    NotConnected,
    Templates,
    Transport,
    Unreachable,
    WebhookAnswer,
    WebhookRequest,
)
from pydantic import BaseModel

from example_sms.content import Content, prepare_text
from example_sms.settings import Settings
from example_sms.transport import ProviderTransport, authorization
from example_sms.webhook import read_events

__all__ = ["ExampleSms"]

# What is declared here has a method below: take both out of what your provider does not have.
CAPABILITIES = Capabilities(
    max_batch=100,
    idempotency=timedelta(hours=24),
    delivery_receipts=True,
    open_tracking=True,
    webhooks=True,
    reference=MessageReference.PROVIDER_ID,
    connection_check=True,
    account_limits=True,
)


@dataclass(frozen=True)
class ExampleSms:
    """Example SMS, by the HTTP API of a provider."""

    key: str = "example-sms"
    label: str = "Example SMS"
    version: str = "0.1.0"
    address: AddressKind = AddressKind.PHONE
    settings: type[BaseModel] = Settings
    content: type[BaseModel] = Content
    capabilities: Capabilities = CAPABILITIES

    def prepare(self, content: Content, settings: Settings | None, templates: Templates) -> Composer:
        """Compile a campaign's content."""
        return prepare_text(content, templates)

    @asynccontextmanager
    async def connect(self, settings: Settings, host: Host) -> AsyncGenerator[Transport]:
        """Connect: the host's HTTP client does that by itself."""
        yield ProviderTransport(settings, host)

    def account_limits(self, settings: Settings) -> AccountLimits:
        """Return the pace of the account, which all workers keep to together."""
        return AccountLimits(settings.sender, per_second=settings.messages_per_second)

    async def check(self, settings: Settings, host: Host) -> AccountReport:
        """Ask the provider whose account it is, and whether the sender may send."""
        try:
            answer = await host.http.request(
                "GET",
                f"{settings.api_base_url}/account",
                params={"sender": settings.sender},
                headers=authorization(settings),
                timeout_seconds=15,
            )
            account = answer.json() if answer.status == 200 else {}
            name, is_allowed = str(account["name"]), bool(account["senderAllowed"])
        except (NotConnected, NoAnswer) as error:
            raise Unreachable(str(error)) from error
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable(f"The provider refuses the token, or is another one ({answer.status})") from error
        problem = f"The sender {settings.sender} may not send: have the provider allow it"
        return AccountReport(name, [] if is_allowed else [problem])

    async def read_webhook(self, request: WebhookRequest, settings: Settings, host: Host) -> WebhookAnswer:
        """Return what the provider tells of messages."""
        return read_events(request, settings)
