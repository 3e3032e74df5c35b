"""Rules of stores and tokens, without a database."""

from dataclasses import replace
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.stores.model import (
    IDEMPOTENCY_KEY_LENGTH,
    NAME_LENGTH,
    Limits,
    Principal,
    Store,
    StoreChange,
    TokenScope,
    apply_change,
    check_idempotency_key,
    check_scopes,
    check_timezone,
    new_token,
    token_hash,
    token_store,
)

STORE = Store(1, "Shop", "Asia/Taipei", "TWD", Limits(10_000, 5))
# A token that was given out once must be known for ever.
TOKEN = "muster_pXb8hEnqzkm4VQbTePKPcDNKq7Xw4XBsxtvGwJeNsoTT3nZ14"  # nobody's


def test_a_token_is_stored_as_its_hash_alone() -> None:
    assert token_hash(TOKEN) == sha256(TOKEN.encode()).digest()
    assert TOKEN.startswith("muster_")
    assert len({new_token(1) for _ in range(100)}) == 100


@pytest.mark.parametrize("store_id", [1, 12, 2**31 - 1])
def test_a_token_has_the_number_of_its_store(store_id: int) -> None:
    token = new_token(store_id)
    assert token_hash(token) == sha256(token.encode()).digest()
    assert token_store(token) == store_id


@pytest.mark.parametrize("text", [TOKEN, "muster_x_y", "muster__y", "muster_2147483648_y", "muster_²_y", "muster_-1_y"])
def test_a_token_without_a_number_is_of_no_store_by_itself(text: str) -> None:
    assert token_store(text) is None


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_a_token_with_a_typo_is_known_for_one(index: int, letter: str) -> None:
    mistyped = TOKEN[:index] + letter + TOKEN[index + 1 :]
    assert mistyped == TOKEN or token_hash(mistyped) is None


@pytest.mark.parametrize("text", ["", "x", "muster_", TOKEN[:-1], TOKEN + "0", f" {TOKEN}", TOKEN.upper(), "é" * 56])
def test_what_is_no_token_has_no_hash(text: str) -> None:
    assert token_hash(text) is None


def test_an_admin_may_do_everything() -> None:
    admin = Principal(STORE, UUID(int=1), frozenset({TokenScope.ADMIN}))
    reader = replace(admin, scopes=frozenset({TokenScope.READ}))
    assert all(admin.may(scope) for scope in TokenScope)
    assert [scope for scope in TokenScope if reader.may(scope)] == [TokenScope.READ]


def test_scopes_are_known_ones_and_at_least_one() -> None:
    assert check_scopes(["send", "read", "read"]) == {TokenScope.READ, TokenScope.SEND}
    with pytest.raises(DomainError, match="'sent' is no scope: choose from admin, read") as unknown:
        check_scopes(["read", "sent"])
    with pytest.raises(DomainError, match="A token needs a scope") as missing:
        check_scopes([])
    assert (unknown.value.code, missing.value.code) == (ErrorCode.INVALID, ErrorCode.REQUIRED)


@pytest.mark.parametrize("name", ["UTC", "Asia/Taipei", "America/Argentina/Buenos_Aires", "Etc/GMT+12"])
def test_a_time_zone_of_the_iana_is_one(name: str) -> None:
    assert check_timezone(name) == name


@pytest.mark.parametrize("name", ["", "Taipei", "asia/taipei", "+08:00", "GMT+8", "../../etc/passwd", "/UTC", "UTC\0"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(DomainError, match="is no IANA time zone") as refused:
        check_timezone(name)
    assert refused.value.field == ("timezone",)


def test_what_is_left_out_of_a_change_stays() -> None:
    assert apply_change(STORE, StoreChange()) == STORE
    assert apply_change(STORE, StoreChange(name=" Tea ", currency="EUR")) == replace(STORE, name="Tea", currency="EUR")


@pytest.mark.parametrize(("members", "conditions"), [(1, 1), (1_000_000, 100)])
def test_limits_are_raised_within_bounds(members: int, conditions: int) -> None:
    change = StoreChange(static_segment_members=members, property_conditions=conditions)
    assert apply_change(STORE, change).limits == Limits(members, conditions)


@pytest.mark.parametrize(("members", "conditions"), [(0, 0), (-1, -1), (1_000_001, 101)])
def test_limits_out_of_bounds_are_refused(members: int, conditions: int) -> None:
    with pytest.raises(DomainErrors) as refused:
        apply_change(STORE, StoreChange(static_segment_members=members, property_conditions=conditions))
    assert [error.field for error in refused.value.errors] == [("staticSegmentMembers",), ("propertyConditions",)]


@pytest.mark.parametrize("currency", ["", "twd", "TW", "TWDX", "TW1", "ÄÖÜ"])
@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * (NAME_LENGTH + 1)])
def test_every_value_that_is_refused_is_named(name: str, currency: str) -> None:
    with pytest.raises(DomainErrors) as refused:
        apply_change(STORE, StoreChange(name, "Nowhere", currency, 0))
    fields = {error.field for error in refused.value.errors}
    assert fields == {("name",), ("timezone",), ("currency",), ("staticSegmentMembers",)}


@pytest.mark.parametrize("key", ["", "a\nb", "x" * (IDEMPOTENCY_KEY_LENGTH + 1)])
def test_an_idempotency_key_is_short_and_printable(key: str) -> None:
    with pytest.raises(DomainError, match="An idempotency key has 1 to 200"):
        check_idempotency_key(key)
    assert check_idempotency_key("x" * IDEMPOTENCY_KEY_LENGTH)
