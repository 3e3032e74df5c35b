"""Unsubscribe links: signed, and read by none but their maker."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consents.links import UnsubscribeLinks, UnsubscribeToken

LINKS = UnsubscribeLinks("https://shop.example/", b"k" * 32)
SUBJECT = UnsubscribeToken(7, 2**40, UUID("0197c0de-0000-7000-8000-000000000001"), "email")


def token_of(subject: UnsubscribeToken = SUBJECT, links: UnsubscribeLinks = LINKS) -> str:
    return links.url(subject).rpartition("/")[2]


def raw(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.uuids(),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=64),
)
def test_a_link_says_what_it_was_made_of(store_id: int, customer_id: int, campaign_id: UUID, channel: str) -> None:
    subject = UnsubscribeToken(store_id, customer_id, campaign_id, channel)
    assert LINKS.read(token_of(subject)) == subject


def test_a_link_fits_a_header_and_a_path() -> None:
    link = LINKS.url(SUBJECT)
    assert link.startswith("https://shop.example/unsubscribe/")
    assert token_of().replace("-", "").replace("_", "").isalnum()
    assert len(link) < 200


def test_no_flipped_bit_is_overlooked() -> None:
    known = raw(token_of())
    for index in range(len(known)):
        for bit in range(8):
            flipped = bytes([*known[:index], known[index] ^ 1 << bit, *known[index + 1 :]])
            assert LINKS.read(urlsafe_b64encode(flipped).rstrip(b"=").decode()) is None


def test_every_link_is_written_in_one_way_alone() -> None:
    token = token_of()
    for other in (
        token + "=",
        token[:5] + "!" + token[5:],
        token + "\n",
        " " + token,
        token[:-1] + chr(ord(token[-1]) + 1),
    ):
        assert LINKS.read(other) is None


def test_another_servers_link_is_unknown_here() -> None:
    assert LINKS.read(token_of(links=UnsubscribeLinks("https://shop.example", b"K" * 32))) is None


@pytest.mark.parametrize("token", ["", "x", "=", "AAAA", "A" * 58, "A" * 5_000, "é", "\udcff", "..", "%00", "🐦" * 9])
def test_what_is_no_link_is_unknown(token: str) -> None:
    assert LINKS.read(token) is None


@given(st.text(max_size=100))
def test_whatever_comes_is_answered(token: str) -> None:
    assert LINKS.read(token) is None
