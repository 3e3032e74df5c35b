"""Sends messages, one request each, and reads what became of them."""

import asyncio
from collections.abc import Iterator, Sequence

from muster_sdk import (
    Accepted,
    AccountRefused,
    Ambiguous,
    Host,
    HttpAnswer,
    Message,
    NoAnswer,
    NotConnected,
    NotSent,
    Outcome,
    Rejected,
    Report,
    TryAgain,
)

from example_sms.settings import Settings

__all__ = ["ProviderTransport", "authorization"]

# Requests at the same time: each waits for its answer.
_REQUESTS = 8


class ProviderTransport:
    """Speaks to the provider with the host's HTTP client."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self._settings, self._host = settings, host

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        """Send the messages, and report each one's begin and end."""
        waiting = iter(messages)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_REQUESTS, len(messages))):
                group.create_task(self._send_next(waiting, report))

    async def _send_next(self, waiting: Iterator[Message], report: Report) -> None:
        """Send one message after another, until none waits, no more may leave, or the account is refused."""
        for message in waiting:
            if not report.begin(message):
                return
            outcome = await self._post(message)
            report.end(message, outcome)
            if isinstance(outcome, AccountRefused):
                # The others find nothing more to send; what did not begin is sent later.
                for _ in waiting:
                    pass

    async def _post(self, message: Message) -> Outcome:
        try:
            answer = await self._host.http.request(
                "POST",
                f"{self._settings.api_base_url}/messages",
                # The key is the same on every attempt: the provider sends a message once, however often it comes.
                headers={**authorization(self._settings), "Idempotency-Key": str(message.key)},
                json={"from": self._settings.sender, "to": message.address, "text": message.body},
            )
        except NotConnected as error:
            return NotSent(str(error))
        except NoAnswer as error:
            return Ambiguous(str(error))
        return _outcome(answer)


def authorization(settings: Settings) -> dict[str, str]:
    """Return the header that says whose account it is."""
    return {"Authorization": f"Bearer {settings.token.get_secret_value()}"}


def _outcome(answer: HttpAnswer) -> Outcome:
    """Return what an answer means, as the provider documents it. In doubt, it is Ambiguous."""
    match answer.status:
        case 200 | 201 | 202:
            return _accepted(answer)
        case 401 | 403:
            return AccountRefused(f"The provider refuses the token ({answer.status})")
        case 429:
            return AccountRefused("The provider takes no more messages for now (429)", after=answer.retry_after)
        case 409:
            return TryAgain("The recipient cannot be reached for now (409)", after=answer.retry_after)
        case status if 400 <= status < 500:
            return Rejected(f"The provider refuses the message ({status})")
        case status:
            return Ambiguous(f"The provider failed ({status})")


def _accepted(answer: HttpAnswer) -> Outcome:
    try:
        provider_id = answer.json()["id"]
    except (ValueError, KeyError, TypeError):
        return Ambiguous("The provider's answer makes no sense")
    return Accepted(str(provider_id))
