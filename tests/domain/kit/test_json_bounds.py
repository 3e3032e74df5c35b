"""JSON of clients is bounded (S16): each refusal has the path of what is too much."""

from functools import reduce

import pytest

from domain.kit.errors import DomainError, ErrorCode, Path
from domain.kit.json_bounds import JsonBounds

BOUNDS = JsonBounds(size=200, levels=3, entries=10, key=8, text=12)


def nested(levels: int) -> object:
    return reduce(lambda inner, _: {"a": inner}, range(levels - 1), 1)  # type: ignore[return-value,arg-type]


TOO_MUCH: list[tuple[object, Path]] = [
    ({"name": "x" * 13}, ("name",)),
    ({"a": ["x", {}, "x" * 13]}, ("a", 2)),
    ({"x" * 9: 1}, ()),
    ({"a": {"x" * 9: 1}}, ("a",)),
    (list(range(11)), ()),
    ({"a": list(range(5)), "b": list(range(5))}, ()),
    ({"a": {"b": [1]}}, ("a", "b", 0)),
    (nested(4), ("a", "a", "a")),
    ([[[[]]]], (0, 0, 0)),
    (["x" * 12, "\N{GRINNING FACE}" * 12, "\N{GRINNING FACE}" * 12, *["\x01" * 12] * 2], ()),
]


@pytest.mark.parametrize(("value", "path"), TOO_MUCH, ids=str)
def test_what_is_too_much_is_named(value: object, path: Path) -> None:
    with pytest.raises(DomainError) as raised:
        BOUNDS.check(value, ("attributes",))
    assert (raised.value.field, raised.value.code) == (("attributes", *path), ErrorCode.LIMIT_EXCEEDED)
    assert "at most" in raised.value.message or "more than" in raised.value.message
    assert len(raised.value.message) < 200


@pytest.mark.parametrize("value", [None, 1, "x" * 12, nested(3), list(range(10)), {"x" * 8: {"a": "x" * 12}}], ids=str)
def test_what_is_just_small_enough_is_taken(value: object) -> None:
    BOUNDS.check(value, ("attributes",))


def test_what_no_database_stores_is_refused() -> None:
    for value in ({"a": "\0"}, {"a": 2**70}, {"a": "\ud800"}):
        with pytest.raises(DomainError) as raised:
            BOUNDS.check(value, ("attributes",))
        assert raised.value.code is ErrorCode.INVALID


def test_depth_and_breadth_without_end_take_no_longer_than_their_bound() -> None:
    for value in (nested(900), [0] * 1_000_000, [[[0] * 1000] * 1000] * 1000):
        with pytest.raises(DomainError):
            BOUNDS.check(value, ("attributes",))
