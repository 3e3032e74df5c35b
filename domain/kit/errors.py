"""Errors that a caller can mend: each says what is right, and which field of the input is wrong."""

from collections.abc import Callable, Iterable
from copy import copy
from enum import StrEnum
from types import TracebackType
from typing import TypeVar

Path = tuple[str | int, ...]
T = TypeVar("T")
R = TypeVar("R")


class ErrorCode(StrEnum):
    """Why a request was refused; the values are the API's `UserErrorCode`."""

    INVALID = "INVALID"
    REQUIRED = "REQUIRED"
    NOT_FOUND = "NOT_FOUND"
    TAKEN = "TAKEN"
    INVALID_STATE = "INVALID_STATE"
    IN_USE = "IN_USE"
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

    @property
    def errors(self) -> "tuple[DomainError, ...]":
        """All errors of the input that this one stands for: itself, or several."""
        return (self,)

    def under(self, *prefix: str | int) -> "DomainError":
        """Return the same error with its path seen from further out."""
        moved = copy(self)
        moved.field = (*prefix, *self.field)
        return moved


class NotFound(DomainError):
    """No such object in this store."""

    code = ErrorCode.NOT_FOUND


class DomainErrors(DomainError):
    """Every error of one input, so that a form can show them together."""

    def __init__(self, errors: Iterable[DomainError]) -> None:
        self._errors = tuple(leaf for error in errors for leaf in error.errors)
        super().__init__("; ".join(error.message for error in self._errors))

    @property
    def errors(self) -> tuple[DomainError, ...]:
        return self._errors

    def under(self, *prefix: str | int) -> "DomainErrors":
        return DomainErrors(error.under(*prefix) for error in self._errors)


def check_field(field: Path, check: Callable[[T], R], value: T) -> R:
    """Return what the check makes of the value. Raise its DomainError with the field's path and name before it."""
    try:
        return check(value)
    except DomainError as error:
        name = next(step for step in reversed(field) if isinstance(step, str))
        raise DomainError(f"{name}: {error.message}", field=field, code=error.code) from error


class ErrorCollector:
    """Collect what rules refuse, so that the first error of an input does not hide the second."""

    def __init__(self) -> None:
        self.errors: list[DomainError] = []

    def under(self, *prefix: str | int) -> "_Collecting":
        """Collect the DomainError raised within the block, its path below the prefix, and go on behind the block."""
        return _Collecting(self, prefix)

    def add(self, *errors: DomainError) -> None:
        self.errors += [leaf for error in errors for leaf in error.errors]

    def raise_any(self) -> None:
        """Raise DomainErrors when anything was collected."""
        if self.errors:
            raise DomainErrors(self.errors)


class _Collecting:
    # A class, for its `__exit__` must say that errors end here: type checkers read what follows the block by it.
    def __init__(self, collector: ErrorCollector, prefix: Path) -> None:
        self._collector, self._prefix = collector, prefix

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        if not isinstance(error, DomainError):
            return False
        self._collector.add(error.under(*self._prefix))
        return True
