"""The provider, as a local server: what its documentation says, and no more.

`python -m tests.provider` runs it alone, to be sent to by a Muster on this machine.
"""

import argparse
import threading
from collections.abc import Sequence
from contextlib import suppress

from muster_sdk.testing import Act, Attempt, HttpDouble, HttpReply, HttpRequest, SentMessage

__all__ = ["SECRET", "TOKEN", "LocalProvider"]

TOKEN = "token-of-tests"
SECRET = "secret-of-webhooks"


class LocalProvider(HttpDouble):
    """It sends a message with the same Idempotency-Key once."""

    idempotent = True

    def is_authorized(self, request: HttpRequest) -> bool:
        """Return whether the request has the token."""
        return request.headers.get("authorization") == f"Bearer {TOKEN}"

    def messages_of(self, request: HttpRequest) -> Sequence[SentMessage]:
        """Return the message of a request to send one."""
        if (request.method, request.path) != ("POST", "/messages"):
            return []
        values = request.json()
        if not (values["from"] and isinstance(values["text"], str)):
            raise ValueError("a message has a sender and a text")
        return [SentMessage(values["to"], request.headers["idempotency-key"])]

    def reply(self, request: HttpRequest, attempts: Sequence[Attempt]) -> HttpReply:
        """Return the answer to a message."""
        match attempts[0].act:
            case Act.REFUSE_RECIPIENT:
                return HttpReply(422, {"error": "there is no such recipient"})
            case Act.DEFER_RECIPIENT:
                return HttpReply(409, {"error": "the recipient is busy"})
            case _:
                return HttpReply(202, {"id": attempts[0].provider_id})

    def reply_other(self, request: HttpRequest) -> HttpReply:
        """Return the answer to a question."""
        if request.path == "/account":
            return HttpReply(200, {"name": "Shop Ltd.", "senderAllowed": bool(request.query.get("sender"))})
        return super().reply_other(request)


class PrintedProvider(LocalProvider):
    """The same, for people."""

    def reply(self, request: HttpRequest, attempts: Sequence[Attempt]) -> HttpReply:
        """Print the message, and return the answer to it."""
        print(f"to {attempts[0].message.address}: {request.json()['text']}", flush=True)
        return super().reply(request, attempts)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    provider = PrintedProvider()
    provider.port = parser.parse_args().port
    with provider:
        print(f"{provider.url} with the token {TOKEN} (Ctrl-C ends it)", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
