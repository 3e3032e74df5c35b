"""What an entry holds of a change."""

from domain.audit.model import bounded, difference


def test_of_a_change_that_alone_is_recorded_which_differs() -> None:
    assert difference({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == ({"b": 2, "c": None}, {"b": 3, "c": 4})
    assert difference({"a": 1}, {"a": 1}) == ({}, {})
    assert difference(None, {"a": 1}) == (None, {"a": 1})
    assert difference({"a": 1}, None) == ({"a": 1}, None)


def test_of_what_is_too_large_the_names_are_recorded() -> None:
    small = {"text": "x" * 7_000}
    assert bounded(small) is small
    assert bounded({"text": "x" * 9_000, "n": 1}) == dict.fromkeys(("text", "n"), "(too large to be recorded)")
    assert len(bounded({f"field{number}": "x" * 100 for number in range(1_000)}) or {}) == 100
