"""One mailbox has one address, however it is written; and mail goes to that mailbox alone."""

import sys
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muster_sdk import AddressInvalid, smtp_mailbox

from domain.addresses import canonical_address, canonical_email, former_spellings
from domain.kit.errors import DomainError

_LETTERS = st.characters(codec="utf-8")
_LABELS = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True) | st.text(_LETTERS, min_size=1, max_size=8)
_ENDS = st.sampled_from(["example", "COM", "例え", "xn--r8jz45g"])
_DOMAINS = st.tuples(st.lists(_LABELS, min_size=1, max_size=3), _ENDS).map(
    lambda parts: ".".join([*parts[0], parts[1]])
)
_NAMES = st.from_regex(r"[a-z.+_'-]{1,12}", fullmatch=True) | st.text(_LETTERS, min_size=1, max_size=12)
_ADDRESSES = (
    st.tuples(_NAMES, _DOMAINS).map("@".join) | st.text(max_size=60) | st.from_regex(r"[^ ]+@[^ ]+", fullmatch=True)
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ann@shop.test", "ann@shop.test"),
        ("o'brien@shop.test", "o'brien@shop.test"),
        (" Ann.Lee+News@Shop.EXAMPLE ", "ann.lee+news@shop.example"),
        ("info@straße.example", "info@straße.example"),
        ("info@STRAẞE.example", "info@straße.example"),
        ("info@xn--strae-oqa.example", "info@straße.example"),
        ("info@XN--STRAE-OQA.EXAMPLE", "info@straße.example"),
        ("info@strasse.example", "info@strasse.example"),
        ("info@faß.example", "info@faß.example"),
        ("info@νίκος.example", "info@νίκος.example"),
        ("info@ΝΊΚΟΣ.example", "info@νίκοσ.example"),
        ("info@mu\u0308ller.example", "info@müller.example"),
        ("Zoe\u0308@example.com", "zoë@example.com"),
        ("info@\uff33\uff28\uff2f\uff30。example", "info@shop.example"),
        ("甲@例え.テスト", "甲@例え.テスト"),
        ("a@ab--cd.example", "a@ab--cd.example"),
        ("da.me..x@docomo.ne.jp", "da.me..x@docomo.ne.jp"),
        ('"da.me..x"@docomo.ne.jp', "da.me..x@docomo.ne.jp"),
        ('"ann"@example.com', "ann@example.com"),
        ("abc.@carrier.example", "abc.@carrier.example"),
        (".abc@carrier.example", ".abc@carrier.example"),
        (f"{'a' * 64}@mail.example", f"{'a' * 64}@mail.example"),
    ],
)
def test_an_address_has_one_form(text: str, canonical: str) -> None:
    assert canonical_email(text) == canonical


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("info@straße.example", "info@xn--strae-oqa.example"),
        ("info@faß.example", "info@xn--fa-hia.example"),
        ("info@νίκος.example", "info@xn--kxawhkp.example"),
        ("da.me..x@docomo.ne.jp", '"da.me..x"@docomo.ne.jp'),
        ("abc.@carrier.example", '"abc."@carrier.example'),
        (".abc@carrier.example", '".abc"@carrier.example'),
        ("o'brien@shop.test", "o'brien@shop.test"),
        ("甲@例え.example", "甲@xn--r8jz45g.example"),
    ],
)
def test_mail_servers_get_an_ascii_domain_and_quotes_where_dots_need_them(address: str, mailbox: str) -> None:
    assert smtp_mailbox(address) == mailbox


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no @"),
        ("ann", "no @"),
        ("@example.com", "before the @"),
        (".@example.com", "before the @"),
        ("ann lee@example.com", "before the @"),
        ("ann@lee@example.com", "before the @"),
        ('"ann lee"@example.com', "before the @"),
        ("ann\uff20lee@example.com", "before the @"),
        ("ann\u200b@example.com", "before the @"),
        ("=?utf-8?q?ann?=@example.com", "before the @"),
        (f"{'a' * 65}@mail.example", "more than 64 bytes"),
        (f"{'é' * 33}@mail.example", "more than 64 bytes"),
        (f"{'a' * 62}..@mail.example", "more than 64 bytes"),
        (f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}.com", "more than 254 bytes"),
        (f"a@{'.'.join(['ß' * 50] * 5)}.example", "more than 254 bytes"),
        ("ann@localhost", "no ending"),
        ("ann@127.0.0.1", "no ending"),
        ("ann@example.com.", "single dots"),
        ("ann@-example.com", "single dots"),
        ("ann@exa_mple.com", "single dots"),
        ("ann@[127.0.0.1]", "single dots"),
        ("0@\u00af", "IDNA 2008"),
        ("ann@\u2474.example", "IDNA 2008"),
        ("ann@\u338f.example", "IDNA 2008"),
        ("ann@\u2603.example", "IDNA 2008"),
        ("ann@xn--a.example", "IDNA 2008"),
        ("ann@xn--strasse-.example", "IDNA 2008"),
    ],
)
def test_what_is_not_one_mailbox_everywhere_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DomainError, match=reason):
        canonical_email(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" Info@XN--STRAE-OQA.example", "info@straße.example"),
        ("+886912345678", "+886912345678"),
        (" U4af4980629 ", "u4af4980629"),
        ("Ann Lee@home", "ann lee@home"),
    ],
)
def test_addresses_of_any_kind_are_compared_in_one_form(text: str, canonical: str) -> None:
    assert canonical_address(text) == canonical


@pytest.mark.parametrize(
    "spelling", ["info@straße.example", "info@xn--strae-oqa.example", "INFO@XN--STRAE-OQA.example"]
)
def test_the_spellings_of_earlier_releases_are_known(spelling: str) -> None:
    assert former_spellings(spelling) == {"info@straße.example", "info@xn--strae-oqa.example"}


@given(_ADDRESSES)
def test_the_form_of_an_address_and_what_mail_servers_get_are_one_address(text: str) -> None:
    try:
        canonical = canonical_email(text)
    except DomainError:
        with pytest.raises(AddressInvalid):
            smtp_mailbox(text.strip())
        return
    mailbox = smtp_mailbox(text.strip())
    assert canonical_email(canonical) == canonical
    assert canonical_email(mailbox) == canonical
    assert smtp_mailbox(mailbox) == smtp_mailbox(canonical) == mailbox
    assert len(mailbox.encode()) <= 254


def test_what_changes_in_a_character_changes_at_once() -> None:
    accepted = 0
    changing = [char for char in map(chr, range(sys.maxunicode + 1)) if normalize("NFKC", char).lower() != char]
    for text in [text for char in changing for text in (f"a{char}b@shop.example", f"ann@a{char}b.example")]:
        try:
            canonical = canonical_email(text)
        except DomainError:
            continue
        accepted += 1
        assert canonical_email(canonical) == canonical
        assert canonical_email(smtp_mailbox(canonical)) == canonical
    assert accepted > 3_000
