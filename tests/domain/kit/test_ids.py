"""Ids sort in the order in which they are made."""

from domain.kit import ids


def test_ids_of_one_millisecond_sort_in_the_order_of_their_making() -> None:
    fresh = [ids.new() for _ in range(10_000)]
    assert sorted(set(fresh)) == fresh
    assert {(id_.version, id_.variant) for id_ in fresh} == {(7, "specified in RFC 4122")}
