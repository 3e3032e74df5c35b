"""Global IDs."""

from base64 import urlsafe_b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.kit import global_ids

ID = UUID("019a0000-0000-7000-8000-000000000001")


def raw(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


def test_an_id_gives_its_type_and_key_again() -> None:
    assert global_ids.decode(global_ids.encode("Customer", 7)) == ("Customer", 7)
    assert global_ids.decode(global_ids.encode("Segment", ID), "Segment") == ("Segment", ID)
    assert global_ids.encode("Customer", 7) == raw("Customer:7").rstrip("=")


def test_padding_may_be_there() -> None:
    assert global_ids.decode(raw("Store:12345")) == ("Store", 12345)


def test_another_type_is_not_found() -> None:
    assert global_ids.decode(global_ids.encode("Customer", 7), "Segment", "Campaign") is None
    assert global_ids.uuid(global_ids.encode("Customer", 7), "Customer") is None
    assert global_ids.number(global_ids.encode("Customer", ID), "Customer") is None
    assert global_ids.number(global_ids.encode("Customer", 7), "Customer") == 7


@pytest.mark.parametrize(
    "gid",
    ["", "=", "a", "ab\0", "é", "Customer:7", "=" * 1_000, raw("x" * 300), raw("Customer:"), raw("Customer:0"),
     raw("Customer:-1"), raw("Customer:007"), raw("Customer:1.5"), raw("Customer:1e3"), raw("Customer:\u0667"),
     raw(f"Customer:{2**63}"), raw("Customer:7\0"), raw(":7"), raw("A B:7"), raw(f"Segment:{ID.hex}"),
     raw(f"Segment:{{{ID}}}"), raw("Segment:" + str(ID).upper().replace("0", "O"))],
)  # fmt: skip
def test_what_is_no_id_is_none(gid: str) -> None:
    assert global_ids.decode(gid) is None


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    global_ids.decode(text)
    global_ids.decode(raw("Customer:") + text)
