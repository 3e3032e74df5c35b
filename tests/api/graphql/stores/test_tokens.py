"""Tokens are made, listed and revoked by whoever may do everything (S5); each may ask who it is."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.kit.errors import DomainError, DomainErrors
from domain.stores import actions, model
from domain.stores.model import TokenScope, token_hash
from domain.stores.tables import api_tokens
from tests.api.graphql.stage import Json, Stage, StoreClient, faults
from tests.factories import NOW

FIELDS = "id name scopes createdAt expiresAt lastUsedAt"
CREATE = f"""
mutation ($name: String!, $scopes: [String!]!, $at: DateTime) {{
  apiTokenCreate(name: $name, scopes: $scopes, expiresAt: $at) {{
    apiToken {{ {FIELDS} }} token userErrors {{ field message code }}
  }}
}}
"""
REVOKE = "mutation ($id: ID!) { apiTokenRevoke(id: $id) { revokedId userErrors { field message code } } }"
LIST = f"{{ apiTokens {{ {FIELDS} }} }}"


async def create(store: StoreClient, name: str = "The till", *scopes: str, at: str | None = None) -> Json:
    return (await store.get(CREATE, name=name, scopes=scopes or ["read"], at=at))["apiTokenCreate"]


async def test_a_token_is_made_and_its_secret_answered_once(stage: Stage, store: StoreClient) -> None:
    made = await create(store, " The till ", "send", "read", at="2026-07-02T11:00:00+02:00")
    assert made["userErrors"] == []
    token = made["apiToken"]
    assert (token["name"], token["scopes"], token["expiresAt"]) == (
        "The till",
        ["read", "send"],
        "2026-07-02T09:00:00Z",
    )
    assert (await store.ask_by(made["token"], "{ store { id } }")).status == 200
    listed = (await store.get(LIST))["apiTokens"]
    assert [row["name"] for row in listed] == ["The till", "test"]
    assert listed[0] == token | {"lastUsedAt": "2026-07-01T09:00:00Z"}
    async with stage.runtime.database.read() as tx:
        stored = (await tx.execute(select(api_tokens).where(api_tokens.c.name == "The till"))).one()
    assert stored.hash == token_hash(made["token"])
    assert made["token"] not in str(stored)


async def test_a_token_stops_at_the_moment_at_which_it_expires(stage: Stage, store: StoreClient) -> None:
    made = await create(store, at="2026-07-01T10:00:00Z")
    stage.clock.forward(hours=1)
    assert (await store.ask_by(made["token"], "{ viewer { scopes } }")).status == 401
    assert [row["name"] for row in (await store.get(LIST))["apiTokens"]] == ["The till", "test"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_draft_is_refused_with_all_that_is_wrong_with_it(store: StoreClient) -> None:
    refused = await create(store, " ", "everything", at="2026-07-01T09:00:00Z")
    assert (refused["apiToken"], refused["token"]) == (None, None)
    assert faults(refused) == [(["name"], "INVALID"), (["scopes"], "INVALID"), (["expiresAt"], "INVALID")]
    for name in ("x" * 101, "a\nb"):
        assert faults(await create(store, name)) == [(["name"], "INVALID")]
    assert faults(await create(store, at="9998-01-01T00:00:00Z")) == [(["expiresAt"], "INVALID")]
    assert len((await store.get(LIST))["apiTokens"]) == 1


async def test_a_store_has_no_more_tokens_than_are_listed(store: StoreClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_TOKENS", 2)
    assert faults(await create(store)) == []
    assert faults(await create(store)) == [(None, "LIMIT_EXCEEDED")]


async def test_a_revoked_token_opens_nothing_and_is_not_listed(store: StoreClient) -> None:
    made = await create(store)
    gid = made["apiToken"]["id"]
    assert (await store.get(REVOKE, id=gid))["apiTokenRevoke"] == {"revokedId": gid, "userErrors": []}
    assert (await store.ask_by(made["token"], "{ viewer { scopes } }")).status == 401
    assert [row["name"] for row in (await store.get(LIST))["apiTokens"]] == ["test"]
    assert faults((await store.get(REVOKE, id=gid))["apiTokenRevoke"]) == [(["id"], "NOT_FOUND")]


async def test_a_token_that_revokes_itself_gets_its_answer(store: StoreClient) -> None:
    own = (await store.get("{ viewer { token { id } } }"))["viewer"]["token"]["id"]
    assert (await store.get(REVOKE, id=own))["apiTokenRevoke"] == {"revokedId": own, "userErrors": []}
    assert (await store.ask(LIST)).status == 401


async def test_every_token_may_ask_who_it_is(store: StoreClient) -> None:
    token = await store.add_token(frozenset({TokenScope.SEND, TokenScope.WRITE}))
    viewer = (await store.ask_by(token, "{ viewer { token { name } scopes store { id } } }")).data["viewer"]
    own = (await store.get("{ store { id } }"))["store"]
    assert viewer == {"token": {"name": "test"}, "scopes": ["write", "send"], "store": own}


async def test_a_token_is_a_node_to_those_alone_who_may_list_it(store: StoreClient) -> None:
    gid = (await create(store))["apiToken"]["id"]
    query = "query ($id: ID!) { node(id: $id) { id ... on ApiToken { name } } }"
    assert (await store.get(query, id=gid))["node"] == {"id": gid, "name": "The till"}
    reader = await store.add_token(frozenset({TokenScope.READ}))
    assert (await store.ask_by(reader, query, id=gid)).data["node"] is None


def principal(*scopes: TokenScope) -> model.Principal:
    store = model.Store(1, "Shop", "UTC", "USD", model.Limits(1, 1))
    return model.Principal(store, UUID(int=1), frozenset(scopes))


def test_a_token_gives_no_scope_that_its_creator_has_not() -> None:
    creator = principal(TokenScope.READ, TokenScope.WRITE)
    draft = model.draft_token("x", ["read"], None, NOW, creator=creator)
    assert draft.scopes == frozenset({TokenScope.READ})
    for scopes in (["admin"], ["read", "send"]):
        with pytest.raises(DomainErrors) as refused:
            model.draft_token("x", scopes, None, NOW, creator=creator)
        assert [error.field for error in refused.value.errors] == [("scopes",)]
    everything = [scope.value for scope in TokenScope]
    for unlimited in (None, principal(TokenScope.ADMIN)):
        assert model.draft_token("x", everything, None, NOW, creator=unlimited).scopes == frozenset(TokenScope)


def test_an_expiry_is_so_many_days_or_the_beginning_of_a_day_of_the_store() -> None:
    assert model.expiry_of("90d", NOW, "Asia/Taipei") == NOW + timedelta(days=90)
    assert model.expiry_of("2027-01-31", NOW, "Asia/Taipei").isoformat() == "2027-01-30T16:00:00+00:00"
    for text in ("", "d", "90", "2027-02-30", "999999d", "tomorrow"):
        with pytest.raises(DomainError):
            model.expiry_of(text, NOW, "UTC")
