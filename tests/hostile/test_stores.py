"""Another store's everything, by every door: what the schema takes an ID for, files, links, streams (S1)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from api.graphql.kit.global_ids import encode
from domain.kit import ids as uuids
from tests.api.graphql.test_isolation import ANY_KIND, TYPES, Place, places
from tests.hostile.doors import Answer, Doors
from tests.hostile.target import OURS, THEIRS, Store, Target


def ids_of(store: Store) -> dict[str, str]:
    query = """query ($id: ID!) { store { id } campaigns(first: 50, status: [SENT]) { nodes { id deliveries(first: 1) { nodes { id } } } }
        viewer { token { id } } node(id: $id) { id } }"""
    answer = store.doors.get(query, id=store.segment)
    delivery = next(node["id"] for campaign in answer["campaigns"]["nodes"] for node in campaign["deliveries"]["nodes"])
    document = "mutation ($n: String!) { segmentCreate(input: {name: $n, kind: STATIC}) { segment { id } userErrors { code } } }"
    static = store.doors.get(document, n=f"{uuids.new()}"[-40:])["segmentCreate"]["segment"]["id"]
    return {
        "customer": store.numbered,
        "segment": store.segment,
        "static": static,
        "list": store.list,
        "campaign": store.campaign,
        "sent_campaign": answer["campaigns"]["nodes"][0]["id"],
        "token": answer["viewer"]["token"]["id"],
        "operation": store.operation,
        "delivery": delivery,
        "store": answer["store"]["id"],
    }


@pytest.fixture(scope="module")
def ours(target_server: Target) -> Mapping[str, str]:
    return ids_of(target_server.ours)


@pytest.fixture(scope="module")
def theirs(target_server: Target) -> Mapping[str, str]:
    return ids_of(target_server.theirs)


def over_socket(doors: Doors, document: str) -> Answer:
    asked = {"id": "a", "type": "subscribe", "payload": {"query": document}}
    messages = doors.converse(doors.hello, asked, {"type": "ping"}, until="next")
    last = json.loads(messages[-1].body)
    if last["type"] == "pong":
        raise AssertionError(messages)
    return replace(messages[-1], body=json.dumps(last["payload"]))


def over_stream(doors: Doors, document: str) -> Answer:
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    answer = doors.request("POST", content=json.dumps({"query": document}), headers=headers)
    [event] = [line[6:] for line in answer.body.splitlines() if line.startswith("data: {")]
    return replace(answer, body=event)


DOORS: dict[str, Callable[[Doors, str], Answer]] = {"WebSocket": over_socket, "events": over_stream}
PLACES = sorted(places(dict.fromkeys(TYPES, "x")))


def here(document: str) -> str:
    """The document, for the channel that this server has."""
    return document.replace('"recording"', '"email"').replace('{text: "x"}', '{subject: "x", text: "x"}')


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_a_strangers_object_is_as_one_that_is_not_there(
    target_server: Target, ours: Mapping[str, str], theirs: Mapping[str, str], place: tuple[str, str], door: str
) -> None:
    tried: Place = places(ours)[place]
    nothing = encode(TYPES[tried.kind], 2**40 if tried.kind == "customer" else uuids.new())

    def answer(gid: str) -> str:
        said = target_server.kept(lambda: DOORS[door](target_server.doors, here(tried.document(gid)))).json
        for error in said.get("errors", []):
            error.pop("locations", None)
        return json.dumps(said).replace(gid, "ID")

    assert answer(theirs[tried.kind]) == answer(nothing)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", TYPES)
def test_no_node_is_a_strangers(
    target_server: Target, ours: Mapping[str, str], theirs: Mapping[str, str], kind: str, door: str
) -> None:
    document = f'{{ node(id: "{theirs[kind]}") {{ id }} nodes(ids: ["{ours[kind]}", "{theirs[kind]}"]) {{ id }} }}'
    answer = target_server.kept(lambda: DOORS[door](target_server.doors, document))
    assert answer.json["data"] == {"node": None, "nodes": [{"id": ours[kind]}, None]}
    assert {("Query.node", "id"), ("Query.nodes", "ids")} == ANY_KIND


def test_every_list_of_everything_is_ours_alone(target_server: Target) -> None:
    """What is listed, searched, counted, suggested, previewed and exported; the other store's values are secrets here."""
    document = """query ($s: String!) { store { name } customers(first: 50) { nodes { name externalId tags contacts { address }
        timeline(first: 3) { nodes { attributes } } segments { name } } } tags(prefix: $s) propertyDefinitions { key label }
        segments(search: $s) { totalCount } lists(search: $s) { totalCount } campaigns(search: $s) { totalCount }
        channels { key } dimensions { key } behaviors { key } }"""
    answer = target_server.kept(lambda: target_server.doors.ask(document, s=THEIRS), cpu=1.5)
    assert answer.status == 200
    data = answer.json["data"]
    assert data["store"]["name"]
    assert [data[kind]["totalCount"] for kind in ("segments", "lists", "campaigns")] == [0, 0, 0]
    query = f'name contains "{THEIRS}" or tag in ("{THEIRS} tag") or email contains "{THEIRS}"'.replace(
        THEIRS, THEIRS[:4]
    )
    count = target_server.doors.get("query ($q: String!) { segmentPreview(query: $q) { count } }", q=query)
    assert count == {"segmentPreview": {"count": 0}}


def test_a_strangers_file_needs_the_strangers_link(target_server: Target) -> None:
    """An operation's link is shown to its store alone; what is signed for one file opens no other."""
    document = "query ($id: ID!) { operation(id: $id) { url } }"
    answer = target_server.kept(lambda: target_server.doors.ask(document, id=target_server.theirs.operation))
    assert answer.json["data"] == {"operation": None}
    ours, theirs = (store.file_url.rpartition("/")[2] for store in (target_server.ours, target_server.theirs))
    for cut in range(8, len(ours), 4):
        crossed = f"/files/{ours[:cut]}{theirs[cut:]}"
        answer = target_server.kept(lambda crossed=crossed: target_server.doors.request("GET", crossed))  # type: ignore[misc]
        assert answer.status == 404 or crossed.endswith((ours, theirs))
    file = target_server.kept(lambda: target_server.doors.request("GET", target_server.ours.file_url))
    assert OURS in file.body


def test_an_unsubscribe_link_is_of_one_store(target_server: Target) -> None:
    ours, theirs = (store.unsubscribe_url.rpartition("/")[2] for store in (target_server.ours, target_server.theirs))
    for cut in range(8, len(ours), 4):
        crossed = f"/unsubscribe/{theirs[:cut]}{ours[cut:]}"
        answer = target_server.kept(lambda crossed=crossed: target_server.doors.request("POST", crossed))  # type: ignore[misc]
        assert answer.status == 404 or crossed.endswith((ours, theirs))
    page = target_server.kept(lambda: target_server.doors.request("GET", target_server.ours.unsubscribe_url))
    assert OURS not in page.body


def test_subscriptions_show_nothing_of_a_stranger(target_server: Target, theirs: Mapping[str, str]) -> None:
    document = f'subscription {{ campaignProgress(id: "{theirs["campaign"]}") {{ name stats {{ sent }} }} }}'
    for door in DOORS.values():
        answer = target_server.kept(lambda door=door: door(target_server.doors, document))  # type: ignore[misc]
        assert (answer.json.get("data"), set(answer.codes)) == (None, {"BAD_USER_INPUT"})
