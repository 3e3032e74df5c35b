"""What a caller did wrong, said so that the caller can mend it."""

from collections.abc import Sequence
from enum import StrEnum

Path = tuple[str | int, ...]


class ErrorCode(StrEnum):
    """Why a request was refused; the values are the API's `UserErrorCode`."""

    INVALID = "INVALID"
    REQUIRED = "REQUIRED"
    NOT_FOUND = "NOT_FOUND"
    TAKEN = "TAKEN"
    INVALID_STATE = "INVALID_STATE"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    EXPIRED = "EXPIRED"
    ALREADY_REFRESHED_TODAY = "ALREADY_REFRESHED_TODAY"
    FIRST_LIST = "FIRST_LIST"
    NO_RECIPIENTS = "NO_RECIPIENTS"
    CHANNEL_UNAVAILABLE = "CHANNEL_UNAVAILABLE"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"


class DomainError(Exception):
    """A rule said no. The message is safe to show; `field` is the path into the input."""

    code = ErrorCode.INVALID

    def __init__(self, message: str, *, field: Path = (), code: ErrorCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code

    def under(self, *prefix: str | int) -> "DomainError":
        """The same fault, its path seen from further out."""
        self.field = (*prefix, *self.field)
        return self


class NotFound(DomainError):
    """No such object in this store."""

    code = ErrorCode.NOT_FOUND


class DomainErrors(Exception):
    """Every fault of one input, so that a form can show them together."""

    def __init__(self, errors: Sequence[DomainError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = tuple(errors)

    def under(self, *prefix: str | int) -> "DomainErrors":
        for error in self.errors:
            error.under(*prefix)
        return self
