"""Tokens of links: what was signed once is read for ever, by this key and for this purpose alone."""

from datetime import UTC, datetime
from struct import Struct
from uuid import UUID

import pytest

from domain.consents.links import UnsubscribeLinks, UnsubscribeToken
from domain.kit.signing import SignedFields, SignedTokens
from domain.operations.files import FileLink, FileLinks
from domain.operations.model import Operation, OperationFile, OperationStatus

BASE, KEY = "https://muster.example", bytes(range(32))
ID = UUID("0197c2f1-7b1a-7c3d-9e4f-5a6b7c8d9e0f")
TOKENS = SignedTokens(KEY, "a test", Struct(">I"))

# Links as they lie in mails: the first two were made before an address was sealed in them. All stay valid.
UNSUBSCRIBE_LINKS = {
    f"{BASE}/unsubscribe/i138p6lWU9jGcQgIEA9KogAAAAcAAAAA7msoewGXwvF7Gnw9nk9aa3yNng9lbWFpbA": UnsubscribeToken(
        7, 4_000_000_123, ID, "email"
    ),
    f"{BASE}/unsubscribe/eS9grX39oYMxljTW-vPn0gAAAAEAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAABsaW5l": UnsubscribeToken(
        1, 1, UUID(int=0), "line"
    ),
    f"{BASE}/unsubscribe/ac9ZnodN3sZReS8iUvYj5jtrlnQfXM1EyBJfNp7hJjwXxvpFv4Vc0miJAvxzAAUBTz665jHrx0OqbS_vGherSmOv": (
        UnsubscribeToken(7, 4_000_000_123, ID, "email", "ann@shop.example")
    ),
}
FILE_LINK = f"{BASE}/files/epk5QV3E5qJK3Jcsi61oGQAAAAcAAAAAak4RkAGXwvF7Gnw9nk9aa3yNng8"


@pytest.mark.parametrize(("link", "subject"), UNSUBSCRIBE_LINKS.items())
def test_unsubscribe_links_in_mails_that_were_sent_stay_valid(link: str, subject: UnsubscribeToken) -> None:
    assert UnsubscribeLinks(BASE, KEY).read(link.rpartition("/")[2]) == subject


def test_a_link_is_made_as_it_was_in_the_mails_that_were_sent() -> None:
    link, subject = list(UNSUBSCRIBE_LINKS.items())[-1]
    assert UnsubscribeLinks(BASE, KEY).url(subject) == link


def test_file_links_that_were_sent_stay_valid() -> None:
    finished_at = datetime(2026, 7, 1, 9, 0, 0, 123456, tzinfo=UTC)
    file = OperationFile("stored", "name")
    export = Operation(7, ID, "list.export", OperationStatus.DONE, 1, 1, file, False, finished_at, finished_at)
    links = FileLinks(BASE, KEY)
    assert links.url(export, finished_at) == FILE_LINK
    assert links.read(FILE_LINK.rpartition("/")[2]) == FileLink(7, ID, datetime(2026, 7, 8, 9, tzinfo=UTC))


def test_a_link_of_one_kind_is_none_of_another() -> None:
    links, files = UnsubscribeLinks(BASE, KEY), FileLinks(BASE, KEY)
    assert files.read(next(iter(UNSUBSCRIBE_LINKS)).rpartition("/")[2]) is None
    assert links.read(FILE_LINK.rpartition("/")[2]) is None


def test_a_token_says_what_it_was_made_of() -> None:
    assert TOKENS.read(TOKENS.write(7)) == SignedFields((7,), "")
    assert TOKENS.read(TOKENS.write(7, text="é")) == SignedFields((7,), "é")


def test_a_token_of_another_key_or_purpose_is_unknown() -> None:
    for other in (SignedTokens(b"other", "a test", Struct(">I")), SignedTokens(KEY, "another", Struct(">I"))):
        assert TOKENS.read(other.write(7)) is None


def test_a_signed_token_of_too_few_bytes_is_unknown() -> None:
    assert TOKENS.read(SignedTokens(KEY, "a test", Struct(">H")).write(7)) is None
