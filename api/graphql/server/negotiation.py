"""Content negotiation: the media types that a client accepts, and the status of each outcome (GraphQL over HTTP)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from graphql import GraphQLError

from api.database_errors import RETRY_AFTER_SECONDS
from api.graphql.kit.errors import BAD_REQUEST, refusal


class Media(StrEnum):
    RESPONSE = "application/graphql-response+json"
    JSON = "application/json"
    EVENTS = "text/event-stream"
    HTML = "text/html"


class Outcome(Enum):
    ANSWERED = "answered"
    INVALID = "the document or its variables do not fit the schema"
    TOO_COMPLEX = "more than a request may ask"
    MALFORMED = "no GraphQL request"
    UNAUTHENTICATED = "no valid token"
    FORBIDDEN = "not with the scopes of the token"
    METHOD = "not by this method"
    UNREADABLE = "nothing the client reads"
    TOO_LARGE = "too many bytes"
    UNSUPPORTED = "not in this content type"
    TOO_MANY = "too many failed sign-ins from the address"
    UNAVAILABLE = "nothing was answered or done: try again"


# In application/json, the older media type, a well-formed request is answered with 200 even when it fails.
STATUS: Mapping[Outcome, Mapping[Media, int]] = {
    outcome: {Media.RESPONSE: status, Media.JSON: legacy, Media.EVENTS: status}
    for outcome, status, legacy in (
        (Outcome.ANSWERED, 200, 200),
        (Outcome.INVALID, 400, 200),
        (Outcome.TOO_COMPLEX, 400, 400),
        (Outcome.MALFORMED, 400, 400),
        (Outcome.UNAUTHENTICATED, 401, 401),
        (Outcome.FORBIDDEN, 403, 200),
        (Outcome.METHOD, 405, 405),
        (Outcome.UNREADABLE, 406, 406),
        (Outcome.TOO_LARGE, 413, 413),
        (Outcome.UNSUPPORTED, 415, 415),
        (Outcome.TOO_MANY, 429, 429),
        (Outcome.UNAVAILABLE, 503, 503),
    )
}


class Refused(Exception):
    """The request is answered with these errors and no data."""

    def __init__(
        self,
        outcome: Outcome,
        reason: str | list[GraphQLError],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.errors = [refusal(reason, BAD_REQUEST)] if isinstance(reason, str) else reason
        self.headers = dict(headers or {})


def try_again(errors: list[GraphQLError]) -> Refused:
    """Return the refusal of a request of which nothing was answered or done, for what a retry may get over."""
    return Refused(Outcome.UNAVAILABLE, errors, {"Retry-After": str(RETRY_AFTER_SECONDS)})


@dataclass(frozen=True, slots=True)
class Accepted:
    """The media types that a client accepts, with their weights."""

    weights: Mapping[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def of(cls, header: str | None) -> "Accepted":
        weights: dict[str, float] = {}
        for part in filter(str.strip, (header or "*/*").split(",")):
            media, *parameters = (piece.strip().lower() for piece in part.split(";"))
            quality = next((p.split("=", 1)[1] for p in parameters if p.startswith("q=")), "1")
            try:
                weight = float(quality)
            except ValueError:
                weight = 0.0
            weights[media] = weight if 0 <= weight <= 1 else 0.0
        return cls(weights)

    def weight(self, media: Media) -> float:
        kind = media.split("/")[0]
        for pattern in (media, f"{kind}/*", "*/*"):
            if pattern in self.weights:
                return self.weights[pattern]
        return 0.0

    def result(self) -> Media | None:
        """Return the media type of a single result; the newer one must be accepted by name."""
        legacy, named = self.weight(Media.JSON), self.weights.get(Media.RESPONSE, 0.0)
        if named and named >= legacy:
            return Media.RESPONSE
        return Media.JSON if legacy else None

    def events(self) -> bool:
        return self.weights.get(Media.EVENTS, 0.0) > 0

    def page(self) -> bool:
        """Return whether the client is a browser, rather than a program."""
        html = self.weights.get(Media.HTML, 0.0)
        return html > 0 and html >= max(self.weights.get(Media.JSON, 0.0), self.weights.get(Media.RESPONSE, 0.0))
