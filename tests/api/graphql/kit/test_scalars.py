"""What comes in as a scalar, and what goes out."""

from typing import Any

import pytest

from tests.api.graphql.conftest import Ask

AT = "query ($at: DateTime!) { at(at: $at) }"
ECHO = "query ($day: Date, $amount: Decimal, $value: JSON) { echo(day: $day, amount: $amount, value: $value) }"


@pytest.mark.parametrize(
    ("value", "answered"),
    [
        ("2026-07-01T09:00:00+08:00", "2026-07-01T01:00:00Z"),
        ("2026-07-01T09:00:00Z", "2026-07-01T09:00:00Z"),
        ("2026-07-01 09:00-03:30", "2026-07-01T12:30:00Z"),
        ("2026-07-01t09:00:00.25z", "2026-07-01T09:00:00.250000Z"),
    ],
)
async def test_an_instant_is_answered_in_utc(ask: Ask, value: str, answered: str) -> None:
    assert (await ask(AT, {"at": value})).json()["data"]["at"] == answered


@pytest.mark.parametrize(
    "value",
    ["2026-07-01T09:00:00", "2026-07-01", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-13-01T00:00:00Z",
     "9999-12-31T23:00:00-14:00", "2026-02-29T00:00:00Z", "2026-07-01T24:30:00Z", "20260701T090000Z", "", "now",
     "٢٠٢٦-07-01T00:00:00Z", 1751360400, 2**63, None, True, [], "9" * 10_000],
)  # fmt: skip
async def test_what_is_no_instant_is_refused(ask: Ask, value: Any) -> None:
    response = await ask(AT, {"at": value})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert len(response.text) < 1_000


@pytest.mark.parametrize(
    "variables",
    [{"day": "2026-7-1"}, {"day": "2026-02-30"}, {"day": "0000-01-01"}, {"day": "2026-07-01T00:00:00Z"}, {"day": 1},
     {"amount": 19.9}, {"amount": "NaN"}, {"amount": "1e400"}, {"amount": "1,5"}, {"amount": ""}, {"amount": True},
     {"amount": "9" * 31}, {"amount": "Infinity"}, {"amount": "٣"}],
)  # fmt: skip
async def test_what_is_no_day_or_amount_is_refused(ask: Ask, variables: dict[str, Any]) -> None:
    assert (await ask(ECHO, variables)).status_code == 400


@pytest.mark.parametrize(
    ("variables", "echoed"),
    [
        ({"day": "2026-07-01"}, ["", 0, None, "2026-07-01", None, None]),
        ({"amount": "19.90"}, ["", 0, None, None, "19.90", None]),
        ({"amount": 20}, ["", 0, None, None, "20", None]),
        ({"value": {"a": [1, 2.5, None, "x", True]}}, ["", 0, None, None, None, {"a": [1, 2.5, None, "x", True]}]),
    ],
)
async def test_days_amounts_and_json_pass(ask: Ask, variables: dict[str, Any], echoed: list[Any]) -> None:
    assert (await ask(ECHO, variables)).json()["data"]["echo"] == echoed


async def test_a_literal_keeps_its_digits(ask: Ask) -> None:
    echoed = (await ask('{ a: echo(amount: 19.90) b: echo(amount: "0.1") c: echo(amount: 7) }')).json()["data"]
    assert [echoed[name][4] for name in "abc"] == ["19.90", "0.1", "7"]


@pytest.mark.parametrize("literal", ["99999999999999999999", "-9223372036854775809", "1e999", "{a: [1e999]}"])
async def test_json_stays_within_what_json_can_carry(ask: Ask, literal: str) -> None:
    assert (await ask(f"{{ echo(value: {literal}) }}")).status_code == 400


@pytest.mark.parametrize("number", [2**31, 2**63, 10**400, "1", 1.5])
async def test_an_int_has_32_bits(ask: Ask, number: Any) -> None:
    query = "query ($n: Int!) { echo(number: $n) }"
    assert (await ask(query, {"n": number})).status_code == 400
