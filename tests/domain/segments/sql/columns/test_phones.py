"""Every calling code is found at the start of a number, and none is the start of another."""

from domain.segments.sql.columns.phones import CALLING_CODES, calling_code


def test_a_number_has_the_code_that_it_begins_with() -> None:
    assert [calling_code(f"{code}912345678") for code in CALLING_CODES] == list(CALLING_CODES)
    assert calling_code("0912345678") is None
