"""The server that is attacked: two stores with something of everything, each value of which is known by sight."""

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import pytest
from sqlalchemy import insert, make_url

from api.graphql.kit.global_ids import encode
from domain.customers.tables import customers
from domain.kit.db import Database
from domain.stores import queries
from domain.stores.model import TokenScope, new_token, token_hash
from tests.factories import add_store
from tests.hostile.doors import Answer, Doors, Json
from tests.hostile.promises import CPU_SECONDS, Promises
from tests.journeys.processes import customer, served

KEY = "canary-of-the-secret-key"
PASSWORD = "canary-of-a-password"
# What the two stores' data begin with.
OURS, THEIRS = "kestrel", "magpie"
# Each store numbers its customers from 1: this one, and twice that, are of one store alone.
NUMBER = 1_000_000
# What is refused or answered before a database is asked, is so on any.
BEFORE_DATABASES = pytest.mark.parametrize("hostile_url", ["sqlite"], indirect=True)
STATUS = "query ($id: ID!) { operation(id: $id) { status url problems { row message } } }"
ERRORS = "userErrors { field message code }"


@dataclass(frozen=True, slots=True)
class Store:
    """A store's doors, and the IDs of what it has."""

    doors: Doors
    customer: str
    # Another customer, whose number no other store has.
    numbered: str
    segment: str
    list: str
    campaign: str
    operation: str
    file_url: str
    unsubscribe_url: str

    def edit_campaign(self, **content: object) -> Answer:
        document = f"mutation ($id: ID!, $c: JSON) {{ campaignUpdate(id: $id, input: {{content: $c}}) {{ {ERRORS} }} }}"
        return self.doors.ask(document, id=self.campaign, c=content)

    def preview_campaign(self) -> Answer:
        document = "query ($id: ID!) { campaign(id: $id) { preview { subject html text payload } } }"
        return self.doors.ask(document, id=self.campaign)


@dataclass(frozen=True, slots=True)
class Target:
    """A running server, the store of the attacker, and another store that nobody may see anything of."""

    ours: Store
    theirs: Store
    promises: Promises
    folder: Path

    @property
    def doors(self) -> Doors:
        return self.ours.doors

    def kept(self, send: Callable[[], Answer | Sequence[Answer]], *, cpu: float = CPU_SECONDS) -> Answer:
        """Return the last answer. Raise AssertionError when a promise is broken."""

        def all_answers() -> Sequence[Answer]:
            answers = send()
            return [answers] if isinstance(answers, Answer) else answers

        return self.promises.kept(all_answers, cpu=cpu)[-1]


@contextmanager
def target(database_url: str, folder: Path) -> Generator[Target]:
    """Serve the migrated database at this address, and fill it."""
    url = make_url(database_url)
    if url.get_backend_name() == "postgresql":
        # Anybody is trusted on the tests' server: any password does.
        url = url.set(password=PASSWORD)
    settings = {
        "MUSTER_DATABASE_URL": url.render_as_string(hide_password=False),
        "MUSTER_SECRET_KEY": KEY,
        "MUSTER_FILES_DIR": str(folder / "files"),
        "MUSTER_JOURNALS_DIR": str(folder / "journals"),
        "MUSTER_ALLOWED_ORIGINS": "https://spa.example",
        "MUSTER_LOG_FORMAT": "json",
        "MUSTER_LOG_LEVEL": "debug",
    }
    tokens = asyncio.run(_tokens(database_url, (OURS, THEIRS)))
    with served(settings, folder) as process:
        ours, theirs = (
            _fill(Doors(process.url, token), bird, number)
            for token, bird, number in zip(tokens, (OURS, THEIRS), (NUMBER, 2 * NUMBER), strict=True)
        )
        secrets = (KEY, PASSWORD, *tokens, THEIRS, str(folder), str(Path(__file__).parents[2]))
        promises = Promises(process.process, process.log, secrets, (OURS,))
        promises.settle()
        yield Target(ours, theirs, promises, folder)
        promises.check_log()


async def _tokens(database_url: str, names: Sequence[str]) -> list[str]:
    """Make a store of each name; return a token of each, with every scope."""
    database, tokens = Database(database_url), list[str]()
    now = datetime.now(UTC)
    async with database.write() as tx:
        for name in names:
            store_id = await add_store(tx, name=name)
            tokens.append(new_token(store_id))
            hashed = token_hash(tokens[-1])
            assert hashed is not None
            await queries.add_token(tx, store_id, f"{name} token", hashed, frozenset({TokenScope.ADMIN}), now)
            first = customer(store_id, NUMBER * len(tokens)) | {"name": f"{name} Jones"}
            await tx.execute(insert(customers).values(first))
    await database.close()
    return tokens


def _fill(doors: Doors, bird: str, number: int) -> Store:
    """Have the store's clients do once what they do every day."""
    contact = {"channel": "email", "address": f"{bird}@shop.example", "consent": "SUBSCRIBED"}
    person = {"externalId": bird, "name": f"{bird} Smith", "tags": [f"{bird} tag"], "contacts": [contact]}
    person_id = _done(doors, "customerUpsert", "CustomerInput!", "customer { id }", person)["customer"]["id"]
    answer = doors.get(
        'mutation ($key: String!) { propertyDefinitionCreate(key: $key, label: $key, type: STRING) '
        f"{{ {ERRORS} }} channelInstall(key: \"email\") {{ {ERRORS} }} }}",
        key=f"{bird}_property",
    )  # fmt: skip
    assert not any(payload["userErrors"] for payload in answer.values())
    event = {"id": bird, "type": "visit", "occurredAt": "2026-06-01T00:00:00Z", "customer": {"externalId": bird}}
    _done(doors, "eventsTrack", "[EventInput!]!", "accepted", [{**event, "attributes": {"url": bird}}], "events")
    made = _done(doors, "segmentCreate", "SegmentInput!", "segment { id } list { id } operation { id }", {"name": bird})
    finish(doors, made["operation"]["id"])
    content = {"subject": f"{bird} subject", "text": "Hello {{ customer.name }}"}
    campaign = {"name": bird, "channel": "email", "target": {"listId": made["list"]["id"]}, "content": content}
    sent = _done(doors, "campaignCreate", "CampaignInput!", "campaign { id }", campaign)["campaign"]["id"]
    doors.get(f"mutation ($id: ID!) {{ campaignSend(id: $id) {{ {ERRORS} }} }}", id=sent)
    deadline = monotonic() + 60
    while doors.get("query ($id: ID!) { campaign(id: $id) { status } }", id=sent)["campaign"]["status"] != "SENT":
        assert monotonic() < deadline
        sleep(0.05)
    draft = _done(doors, "campaignCreate", "CampaignInput!", "campaign { id }", campaign)["campaign"]["id"]
    export = f'mutation ($id: ID!) {{ listExport(id: $id, fields: ["name"]) {{ operation {{ id }} {ERRORS} }} }}'
    operation = doors.get(export, id=made["list"]["id"])["listExport"]["operation"]["id"]
    preview = "query ($id: ID!) { campaign(id: $id) { preview { payload } } }"
    headers = doors.get(preview, id=draft)["campaign"]["preview"]["payload"]["headers"]
    return Store(
        doors,
        customer=person_id,
        numbered=encode("Customer", number),
        segment=made["segment"]["id"],
        list=made["list"]["id"],
        campaign=draft,
        operation=operation,
        file_url=_here(doors, finish(doors, operation)["url"]),
        unsubscribe_url=_here(doors, headers["List-Unsubscribe"].strip("<>")),
    )


def _done(doors: Doors, mutation: str, type_: str, answer: str, value: object, argument: str = "input") -> Json:
    document = f"mutation ($v: {type_}) {{ {mutation}({argument}: $v) {{ {answer} {ERRORS} }} }}"
    payload = doors.get(document, v=value)[mutation]
    assert payload["userErrors"] == [], payload
    return payload


def finish(doors: Doors, operation: str) -> Mapping[str, Json]:
    """Return the operation once it has ended."""
    deadline = monotonic() + 60
    while (state := doors.get(STATUS, id=operation)["operation"])["status"] not in {"DONE", "FAILED"}:
        assert monotonic() < deadline, state
        sleep(0.02)
    return dict(state)


def _here(doors: Doors, link: str) -> str:
    """Return the link as it leads to this server, whose public address is another."""
    return doors.url + urlsplit(link).path
