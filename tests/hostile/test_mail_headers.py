"""Names, subjects and addresses that want to be a header, or another recipient (S8, F17, CVE-2024-6923)."""

import pytest

from tests.channels.email.test_headers import HOSTILE as HOSTILE_NAMES
from tests.channels.email.test_headers import NAMES as HEADERS
from tests.hostile.doors import Answer, Doors, Json
from tests.hostile.target import Target

CAMPAIGN_HEADERS = HEADERS | {"List-Unsubscribe", "List-Unsubscribe-Post", "Content-Transfer-Encoding"}
UPSERT = "mutation ($i: CustomerInput!) { customerUpsert(input: $i) { customer { id } userErrors { field code } } }"
NAMES = [name for name in HOSTILE_NAMES if name.isascii() or "\ud800" not in name] + [
    "=?utf-8?b?Qm9iDQpCY2M6IGVAeA==?=", "=?utf-7?q?+AA0ACg-Bcc: e@x?=", "Bob%0d%0aBcc: e@x", "Bob\\r\\nBcc: e@x",
    "Bob\u2029Bcc: e@x", "Bob\u202e\u2066Bcc: e@x", "B" * 990 + "\tBcc: e@x", "\U0001f600" * 200, ", e@x, ", "<e@x>",
]  # fmt: skip
ADDRESSES = [
    "v@x.example>,<e@x.example", "a@x.example, e@x.example", "a@x.example\r\nBcc: e@x.example", "a@x.example\0",
    '"a\r\nBcc: e"@x.example', "a@[127.0.0.1]", "a@x.example;e@x.example", "Bob <a@x.example>", "a@x@y.example",
    "=?utf-8?q?a=40x?=@y.example", "a@x.example\u2028Bcc:e@y.example", "(comment)a@x.example", "@e.example:a@x.example",
    "a@\uff58.example\uff0ce@y.example", "a@\u2474.example", "a" * 65 + "@x.example", "a@" + "x." * 200 + "example", "a@-x",
    "a%e@x.example\r", "a@x.example\x0b", "\u202ea@x.example", "a b@x.example", "", "@", "a@localhost\n",
]  # fmt: skip


def shown_headers(doors: Doors, campaign: str, customer: str) -> Answer:
    document = "query ($id: ID!, $c: ID!) { campaign(id: $id) { preview(customerId: $c) { payload } } }"
    return doors.ask(document, id=campaign, c=customer)


def check_headers(preview: Answer) -> None:
    """Check the headers of a message, where there is one at all."""
    shown = preview.json["data"]["campaign"]["preview"]
    payload = shown and shown["payload"]
    if payload is None:
        return
    assert set(payload["headers"]) == CAMPAIGN_HEADERS, payload
    for name, value in payload["headers"].items():
        # Each is shown unfolded.
        assert not set("\r\n\0\x0b\x0c\x85\u2028\u2029") & set(value), (name, value)
        assert value.isascii(), (name, value)
    assert payload["headers"]["To"].count("@") == 1
    assert "=?" not in payload["headers"]["To"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:40])
@pytest.mark.parametrize("subject", ["{{ customer.name }}", "Hi {{ customer.firstName }} {{ customer.tags[0] }}"])
def test_a_customers_name_adds_no_header(target_server: Target, name: str, subject: str) -> None:
    doors = target_server.doors
    person = {
        "externalId": "named",
        "email": "named@shop.example",
        "name": name,
        "firstName": name,
        "tags": [name[:99]],
    }
    upserted = target_server.kept(lambda: doors.ask(UPSERT, i=person))
    if upserted.codes:  # not one line
        assert set(upserted.codes) == {"INVALID"}
        assert not name.isprintable() or len(name) > 100
        return
    customer = upserted.json["data"]["customerUpsert"]["customer"]["id"]
    assert target_server.ours.edit_campaign(subject=subject, text="x").codes == []
    check_headers(target_server.kept(lambda: shown_headers(doors, target_server.ours.campaign, customer)))


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:40])
def test_a_subject_adds_no_header(target_server: Target, name: str) -> None:
    edited = target_server.kept(lambda: target_server.ours.edit_campaign(subject=f"Hi {name}", text="x"))
    if edited.codes:
        assert set(edited.codes) == {"INVALID"}
        assert len(f"Hi {name}".splitlines()) > 1 or len(name) > 990
        return
    campaign, customer = target_server.ours.campaign, target_server.ours.customer
    check_headers(target_server.kept(lambda: shown_headers(target_server.doors, campaign, customer)))


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: ascii(address)[:40])
@pytest.mark.parametrize("field", ["email", "contacts"])
def test_an_address_is_one_mailbox(target_server: Target, address: str, field: str) -> None:
    """Refused where it comes in, or nothing is sent to it."""
    doors = target_server.doors
    contact = [{"channel": "email", "address": address, "consent": "SUBSCRIBED"}]
    person = {"externalId": "addressed", field: address if field == "email" else contact}
    answer = target_server.kept(lambda: doors.ask(UPSERT, i=person))
    assert set(answer.codes) <= {"INVALID", "REQUIRED"}, answer
    if not answer.codes:
        customer = answer.json["data"]["customerUpsert"]["customer"]["id"]
        preview = target_server.kept(lambda: shown_headers(doors, target_server.ours.campaign, customer))
        check_headers(preview)


CONFIGURE = 'mutation ($s: JSON!) { channelConfigure(key: "email", settings: $s) { userErrors { field code } } }'
SETTINGS: dict[str, Json] = {
    **{f"from address {ascii(address)[:30]}": {"fromAddress": address} for address in ADDRESSES},
    **{f"from name {ascii(name)[:30]}": {"fromName": name} for name in NAMES if not name.isprintable()},
    "a host of two": {"host": "smtp.example.com\r\nRCPT TO:<e@x>"},
    "a host with a path": {"host": "smtp.example.com/../x"},
    "a host of a statement": {"host": "'; DROP TABLE stores;--"},
    "a host of letters of all kinds": {"host": "smtp\u3002example\u3002com"},
    "no host": {"host": ""},
    "a host of a megabyte": {"host": "x" * 1_000_000},
    "a port beyond all": {"port": 65_536},
    "a port before all": {"port": -1},
    "a port of nothing": {"port": 1e308},
    "a port of text": {"port": "25; id"},
    "a password alone": {"password": "x"},
    "a user of a megabyte": {"username": "x" * 1_000_000, "password": "x"},
    "more than there is": {"__class__": "x", "model_config": {}, "secret": 1},
    "a security of nothing": {"security": "starttls\0"},
    "deep values": {"host": [[[[[[{}]]]]]]},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_a_channel_are_checked(target_server: Target, name: str) -> None:
    settings = {"host": "smtp.example.com", "fromAddress": "shop@example.com", **SETTINGS[name]}
    answer = target_server.kept(lambda: target_server.doors.ask(CONFIGURE, s=settings))
    assert set(answer.codes) in ({"INVALID"}, {"LIMIT_EXCEEDED"}), answer
