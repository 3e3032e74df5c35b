"""Ways in which a test of the contract fails, or is left out."""

from typing import NoReturn

import pytest

__all__ = ["NOT_DECLARED", "expect", "fail", "leave_out"]

NOT_DECLARED = "not declared: "
"""The beginning of the reason for which a test of the contract is skipped: it then takes no grade away but its own."""


def expect(holds: object, wrong: str, right: str) -> None:
    """Fail unless something holds, with what is wrong and what would be right, a sentence each without a full stop."""
    if not holds:
        fail(wrong, right)


def fail(wrong: str, right: str) -> NoReturn:
    """Fail with what is wrong and what would be right."""
    pytest.fail(f"{wrong}. {right}.", pytrace=False)


def leave_out(reason: str) -> NoReturn:
    """Skip a test of what the channel does not declare."""
    pytest.skip(f"{NOT_DECLARED}{reason}")
