"""Errors of an input are collected, with their paths, and raised together."""

import pytest

from domain.kit.errors import DomainError, DomainErrors, ErrorCode, ErrorCollector, NotFound, check_field


def refuse(value: object) -> object:
    raise DomainError("is empty", code=ErrorCode.REQUIRED)


def test_an_error_seen_from_further_out_is_a_copy() -> None:
    error = NotFound("There is no such list", field=("id",))
    moved = error.under("input", "lists", 0)
    assert (moved.field, error.field) == (("input", "lists", 0, "id"), ("id",))
    assert isinstance(moved, NotFound)
    assert moved.errors == (moved,)


def test_the_errors_of_one_input_are_raised_together() -> None:
    errors = ErrorCollector()
    errors.raise_any()
    for index in range(2):
        with errors.under("events", index):
            check_field(("customer", "email"), refuse, "")
    errors.add(DomainErrors([DomainError("One", field=("a",)), DomainError("Two", field=("b",))]))
    with pytest.raises(DomainErrors, match="email: is empty; email: is empty; One; Two") as raised:
        errors.raise_any()
    assert [error.field for error in raised.value.under("input").errors] == [
        ("input", "events", 0, "customer", "email"),
        ("input", "events", 1, "customer", "email"),
        ("input", "a"),
        ("input", "b"),
    ]
    assert raised.value.errors[0].code == ErrorCode.REQUIRED


def test_what_is_no_rule_is_not_collected() -> None:
    errors = ErrorCollector()
    with pytest.raises(KeyError), errors.under("events"):
        raise KeyError
    assert errors.errors == []
