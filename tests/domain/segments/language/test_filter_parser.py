"""Every fault of a filter is told, each with its path."""

import pytest

from domain.kit.errors import ErrorCode
from domain.segments.filters import AttributeCondition, BehaviorCondition, Filter, Operator, Window
from domain.segments.language.filter_parser import FilterParser
from tests.domain.segments.filter_strategies import CATALOGUE

AT = ("include",)


def attribute(dimension: str = "name", operator: str = "EQ", values: object = ("Ana",)) -> dict[str, object]:
    return {"attribute": {"dimension": dimension, "operator": operator, "values": values}}


def behavior(**fields: object) -> dict[str, object]:
    return {"behavior": {"behavior": "order", **fields}}


def read(raw: object, properties: int = 5) -> tuple[Filter | None, FilterParser]:
    reader = FilterParser(CATALOGUE, "UTC", properties)
    return reader.read(raw, AT), reader


def faults(raw: object) -> list[tuple[tuple[str | int, ...], ErrorCode]]:
    tree, reader = read(raw)
    assert tree is None
    return [(fault.field, fault.code) for fault in reader.faults]


VALUES = (*AT, "attribute", "values")


@pytest.mark.parametrize(
    ("raw", "path", "code"),
    [
        (attribute("nmae"), (*AT, "attribute", "dimension"), ErrorCode.NOT_FOUND),
        (attribute(""), (*AT, "attribute", "dimension"), ErrorCode.REQUIRED),
        (attribute(operator="GT"), (*AT, "attribute", "operator"), ErrorCode.INVALID),
        (attribute(operator="LIKE"), (*AT, "attribute", "operator"), ErrorCode.INVALID),
        (attribute(values=[]), VALUES, ErrorCode.REQUIRED),
        (attribute(values="Ana"), VALUES, ErrorCode.INVALID),
        (attribute(values=["a", "b"]), VALUES, ErrorCode.INVALID),
        (attribute(values=[3]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute(values=[None]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute(values=[""]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute(values=["a\0"]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute(values=["\ud800"]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute(values=["x" * 501]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute(operator="IS_SET"), VALUES, ErrorCode.INVALID),
        (attribute("city", "IN", ["x"] * 10_000), VALUES, ErrorCode.LIMIT_EXCEEDED),
        (attribute("order_count", "GTE", [2**63]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("order_count", "GTE", [float("nan")]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("order_count", "GTE", [float("inf")]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("order_count", "GTE", ["1"]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("order_count", "GTE", [True]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("order_count", "BETWEEN", [1]), VALUES, ErrorCode.INVALID),
        (attribute("order_count", "BETWEEN", [2, 1]), VALUES, ErrorCode.INVALID),
        (attribute("member", "EQ", ["yes"]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("gender", "EQ", ["male"]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("birthday", "EQ", ["0000-01-01"]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("birthday", "EQ", ["2026-02-30"]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("birthday", "MONTH_IN", [13]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("created_at", "BEFORE", ["0000-01-01T00:00:00Z"]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("created_at", "BEFORE", ["2026-01-01T00:00:00"]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("created_at", "WITHIN_LAST_DAYS", [-1]), (*VALUES, 0), ErrorCode.INVALID),
        (attribute("created_at", "WITHIN_LAST_DAYS", [36_501]), (*VALUES, 0), ErrorCode.INVALID),
        ({}, AT, ErrorCode.INVALID),
        (None, AT, ErrorCode.REQUIRED),
        ([], AT, ErrorCode.INVALID),
        ({"every": []}, AT, ErrorCode.INVALID),
        ({**attribute(), "all": []}, AT, ErrorCode.INVALID),
        ({"all": []}, (*AT, "all"), ErrorCode.REQUIRED),
        ({"all": 3}, (*AT, "all"), ErrorCode.INVALID),
        (behavior(behavior="a\0b"), (*AT, "behavior", "behavior"), ErrorCode.INVALID),
        (behavior(aggregate="SUM"), (*AT, "behavior", "of"), ErrorCode.REQUIRED),
        (behavior(aggregate="SUM", of="brand"), (*AT, "behavior", "of"), ErrorCode.INVALID),
        (behavior(of="total"), (*AT, "behavior", "of"), ErrorCode.INVALID),
        (behavior(aggregate="LAST"), (*AT, "behavior", "values", 0), ErrorCode.INVALID),
        (behavior(operator="IN"), (*AT, "behavior", "operator"), ErrorCode.INVALID),
        (behavior(window={"lastDays": -1}), (*AT, "behavior", "window", "lastDays"), ErrorCode.INVALID),
        (behavior(window={"lastDays": 1, "to": "2026-01-01"}), (*AT, "behavior", "window"), ErrorCode.INVALID),
        (behavior(window={"from": "yesterday"}), (*AT, "behavior", "window", "from"), ErrorCode.INVALID),
        (behavior(window={"from": "2026-01-02", "to": "2026-01-01"}), (*AT, "behavior", "window"), ErrorCode.INVALID),
        (
            behavior(where=[{"dimension": "colour", "operator": "EQ", "values": ["x"]}]),
            (*AT, "behavior", "where", 0, "dimension"),
            ErrorCode.NOT_FOUND,
        ),
        ({"membership": {}}, (*AT, "membership"), ErrorCode.INVALID),
        ({"membership": {"segmentId": "x"}}, (*AT, "membership", "segmentId"), ErrorCode.NOT_FOUND),
    ],
)
def test_a_fault_is_told_with_its_path(raw: object, path: tuple[str | int, ...], code: ErrorCode) -> None:
    assert faults(raw) == [(path, code)]


def test_every_fault_is_told_at_once() -> None:
    raw: dict[str, object] = {
        "all": [attribute("nmae"), {"any": [attribute(), attribute(values=["", "\0"], operator="IN")]}, {"not": {}}]
    }
    inner = (*AT, "all", 1, "any", 1, "attribute", "values")
    assert [path for path, _ in faults(raw)] == [
        (*AT, "all", 0, "attribute", "dimension"),
        (*inner, 0),
        (*inner, 1),
        (*AT, "all", 2, "not"),
    ]


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    _, reader = read(attribute("order_cuont"))
    assert reader.faults[0].message.endswith("did you mean order_count?")


def test_a_filter_has_ten_levels_at_most() -> None:
    deep: dict[str, object] = attribute()
    for _ in range(9):
        deep = {"not": deep}
    assert read(deep)[0] is not None
    assert faults({"not": deep})[0] == ((*AT, *["not"] * 10), ErrorCode.LIMIT_EXCEEDED)


def test_a_filter_has_a_hundred_conditions_at_most() -> None:
    assert read({"all": [attribute()] * 100})[0] is not None
    assert faults({"all": [attribute()] * 101}) == [((*AT, "all", 100, "attribute"), ErrorCode.LIMIT_EXCEEDED)]


def test_25_names_are_taken_and_26_refused() -> None:
    """Rule 1, and vector 11."""
    assert read(attribute(operator="IN", values=["x"] * 25))[0] is not None
    assert faults(attribute(operator="IN", values=["x"] * 26)) == [(VALUES, ErrorCode.LIMIT_EXCEEDED)]


def test_five_custom_properties_are_taken_and_six_refused() -> None:
    """QS-04, and vector 12; the store's limit may be raised."""
    names = [f"property.{kind}" for kind in ("string", "number", "boolean", "date", "datetime")]
    five = {"any": [attribute(name, "IS_SET", []) for name in (*names, *names)]}
    assert read(five, properties=5)[0] is not None
    tree, reader = read(five, properties=4)
    assert tree is None
    assert {fault.code for fault in reader.faults} == {ErrorCode.LIMIT_EXCEEDED}
    assert reader.faults[0].field == (*AT, "any", 4, "attribute", "dimension")


def test_what_is_left_out_of_a_behavior_means_at_least_once_ever() -> None:
    assert read(behavior())[0] == BehaviorCondition("order")
    assert read(behavior(window={"lastDays": 0}))[0] == BehaviorCondition("order", window=Window(last_days=0))


def test_an_events_attribute_is_of_the_type_of_its_values() -> None:
    where = [{"dimension": "amount", "operator": "GT", "values": [3]}]
    tree, _ = read({"behavior": {"behavior": "paid", "where": where}})
    assert tree == BehaviorCondition("paid", (AttributeCondition("amount", Operator.GT, (3,)),))
    assert faults({"behavior": {"behavior": "paid", "where": [{**where[0], "values": ["3"]}]}})
