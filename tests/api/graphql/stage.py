"""The real application in this process: stores with tokens, a channel that records, workers that tests set to work."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr
from starlette.types import ASGIApp

from api.app import create_app
from api.graphql.server.admission import Admission, Gate
from api.settings import Settings
from api.wiring import Runtime, build
from api.workers.handlers import JOB_KINDS
from api.workers.leases import LeaseKeeper
from api.workers.runner import work
from api.workers.scheduler import make_lists
from domain import jobs
from domain.campaigns import launch
from domain.deliveries.local_session import LocalSessions
from domain.extensions import NO_EXTENSIONS, Extensions
from domain.stores import queries
from domain.stores.model import TokenScope, new_token, token_hash
from plugins.store_channels import InstalledChannels
from tests.factories import NOW, add_store
from tests.fakes import RecordingChannel, plugins_of

EVERYTHING = frozenset({TokenScope.ADMIN})

# What GraphQL answers is JSON, whose shape each test knows.
Json = Any


# Arguments of imports, and their types.
_OPTIONS = {
    "encoding": ("encoding", "FileEncoding"),
    "date_order": ("dateOrder", "DateOrder"),
    "mapping": ("mapping", "[ColumnMappingInput!]"),
    "unmapped_columns": ("unmappedColumns", "UnmappedColumns"),
    "create_customers": ("createCustomers", "Boolean"),
}


@dataclass
class Hands:
    """A clock that tests set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True)
class Reply:
    status: int
    body: Json

    @property
    def data(self) -> Json:
        assert self.status == 200, self.body
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def errors(self) -> list[Json]:
        result: list[Json] = self.body["errors"]
        return result

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


@dataclass
class Stage:
    runtime: Runtime
    app: ASGIApp
    channel: RecordingChannel
    clock: Hands

    async def store(self, name: str = "Shop", **values: object) -> "StoreClient":
        async with self.runtime.database.write() as tx:
            store_id = await add_store(tx, name=name, **values)
        client = StoreClient(self, store_id, "")
        client.token = await client.add_token(EVERYTHING)
        return client

    async def work(self) -> None:
        """Do what is due, as a worker and the scheduler would, until nothing is."""
        services = self.runtime.services
        await launch.start_due(services)
        await make_lists(services)
        while True:
            async with services.database.read() as tx:
                due = await jobs.due(tx, 100)
            if not due:
                return
            for notice in due:
                await work(services, JOB_KINDS, "test", LeaseKeeper(), notice.store_id, notice.job_id)


@dataclass
class StoreClient:
    """A store, as a client with its token sees it."""

    stage: Stage
    store_id: int
    token: str = field(repr=False)

    async def add_token(self, scopes: frozenset[TokenScope]) -> str:
        return (await self.token_with_id(scopes))[0]

    async def token_with_id(self, scopes: frozenset[TokenScope]) -> tuple[str, UUID]:
        token = new_token(self.store_id)
        hashed = token_hash(token)
        assert hashed is not None
        async with self.stage.runtime.database.write() as tx:
            return token, await queries.add_token(tx, self.store_id, "test", hashed, scopes, NOW)

    async def send(self, token: str | None = None, client: str = "127.0.0.1", **request: Any) -> httpx.Response:
        """Post a request; `client` is the address that it comes from."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"} | request.pop("headers", {})
        transport = httpx.ASGITransport(self.stage.app, client=(client, 50_000))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://muster.test", headers=headers, timeout=60
        ) as http:
            return await http.post("/graphql", **request)

    async def ask(self, query: str, /, **variables: object) -> Reply:
        return await self.ask_by(self.token, query, **variables)

    async def ask_by(self, token: str, query: str, /, **variables: object) -> Reply:
        response = await self.send(token, json={"query": query, "variables": variables})
        return Reply(response.status_code, response.json())

    async def get(self, query: str, /, **variables: object) -> Json:
        """The answer's data, of which nothing failed."""
        return (await self.ask(query, **variables)).data

    async def mutate(self, name: str, arguments: str, answer: str, /, **variables: object) -> Json:
        """The payload of one mutation: `mutate("segmentDelete", "id: $id", "deletedId", id=...)`."""
        declared = ", ".join(f"${key}: {TYPES.get((name, key)) or TYPES['', key]}" for key in variables)
        document = f"mutation ({declared}) {{ {name}({arguments}) {{ {answer} userErrors {{ field message code }} }} }}"
        return (await self.get(document, **variables))[name]

    async def upload(self, name: str, content: bytes, *, dry_run: bool = False, **options: object) -> Json:
        """Send a file; `options` are other arguments of the mutation, such as `create_customers`."""
        response = await self.send_upload(name, content, dry_run=dry_run, **options)
        return Reply(response.status_code, response.json()).data["done"]

    async def send_upload(
        self, name: str, content: bytes, *, dry_run: bool = False, **options: object
    ) -> httpx.Response:
        answer = "{ operation { id kind status done total } userErrors { field message code } }"
        arguments = "".join(f", {_OPTIONS[option][0]}: ${option}" for option in options)
        declared = "".join(f", ${option}: {_OPTIONS[option][1]}" for option in options)
        field = f"done: {name}(file: $file, dryRun: $dryRun{arguments}) {answer}"
        document = f"mutation ($file: Upload!, $dryRun: Boolean{declared}) {{ {field} }}"
        variables = {"query": document, "variables": {"file": None, "dryRun": dry_run, **options}}
        data = {"operations": json.dumps(variables), "map": json.dumps({"0": ["variables.file"]})}
        return await self.send(data=data, files={"0": ("file.csv", content, "text/csv")})

    async def fetch(self, url: str, **headers: str) -> httpx.Response:
        """What lies behind a link, for somebody without a token."""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.stage.app), base_url="http://muster.test"
        ) as client:
            return await client.get(url, headers=headers)

    async def events(self, query: str, /, **variables: object) -> list[Json]:
        """Everything that a subscription answers until it ends."""
        request = {"query": query, "variables": variables}
        response = await self.send(json=request, headers={"Accept": "text/event-stream"})
        assert response.status_code == 200, response.text
        assert response.text.endswith("event: complete\ndata:\n\n")
        return [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]

    async def install(self, key: str = "recording", settings: Mapping[str, object] | None = None) -> None:
        done = await self.mutate("channelInstall", "key: $key, settings: $settings", "", key=key, settings=settings)
        assert done["userErrors"] == []

    async def customers(self, *values: Mapping[str, object]) -> list[str]:
        """Makes customers, and says their IDs in order."""
        done = await self.mutate("customersUpsert", "input: $input", "created updated", input=values)
        assert done["userErrors"] == []
        return [await self.customer_id(str(item["externalId"])) for item in values]

    async def customer_id(self, external_id: str) -> str:
        result = await self.get("query ($id: String!) { customer(externalId: $id) { id } }", id=external_id)
        return str(result["customer"]["id"])

    async def segment(self, name: str = "Everyone", **values: object) -> Json:
        """A segment whose first list is ready."""
        done = await self.mutate(
            "segmentCreate",
            "input: $input",
            "segment { id } list { id } operation { id }",
            input={"name": name, **values},
        )
        assert done["userErrors"] == []
        await self.stage.work()
        return done

    async def campaign(self, list_id: str, **values: object) -> str:
        expected = {"name": "July", "channel": "recording", "target": {"listId": list_id}, "content": {"text": "Hi"}}
        done = await self.mutate("campaignCreate", "input: $input", "campaign { id }", input={**expected, **values})
        assert done["userErrors"] == []
        return str(done["campaign"]["id"])


# The type of a variable, by the mutation and its name.
TYPES: Mapping[tuple[str, str], str] = {
    ("", "id"): "ID!",
    ("", "key"): "String!",
    ("", "source"): "String",
    ("", "blacklisted"): "Boolean!",
    ("", "reason"): "String",
    ("", "tags"): "[String!]!",
    ("customerUpsert", "input"): "CustomerInput!",
    ("customersUpsert", "input"): "[CustomerInput!]!",
    ("segmentCreate", "input"): "SegmentInput!",
    ("segmentUpdate", "input"): "SegmentInput!",
    ("segmentDuplicate", "name"): "String",
    ("segmentMembersAdd", "customers"): "[ID!]",
    ("segmentMembersAdd", "filter"): "FilterInput",
    ("segmentMembersRemove", "customers"): "[ID!]!",
    ("listRename", "name"): "String!",
    ("storeUpdate", "input"): "StoreUpdateInput!",
    ("campaignCreate", "input"): "CampaignInput!",
    ("campaignUpdate", "input"): "CampaignInput!",
    ("campaignSend", "at"): "DateTime",
    ("campaignSend", "key"): "String",
    ("channelInstall", "settings"): "JSON",
    ("channelConfigure", "settings"): "JSON!",
    ("eventsTrack", "events"): "[EventInput!]!",
    ("consentUpdate", "channel"): "String!",
    ("consentUpdate", "consent"): "Consent!",
    ("lifecycleUpdate", "input"): "LifecycleInput!",
    ("orderStatusesClassify", "input"): "[OrderStatusInput!]!",
    ("listExport", "fields"): "[String!]!",
    ("listExport", "format"): "ExportFormat",
    ("propertyDefinitionCreate", "label"): "String!",
    ("propertyDefinitionCreate", "type"): "ValueType!",
}


def open_stage(
    database_url: str, files_dir: Path, extensions: Extensions = NO_EXTENSIONS, *, row_security: bool = True
) -> Stage:
    """The application; with row security where the database has it, so that every statement is tried with it."""
    channel, clock = RecordingChannel(), Hands()
    key = SecretStr("a key for tests alone")
    is_on = row_security and database_url.startswith("postgresql")
    runtime = build(Settings(database_url=database_url, secret_key=key, files_dir=files_dir, row_security=is_on))
    plugins = plugins_of(channel, extensions=extensions)
    sessions = LocalSessions(runtime.services.templates, channels=[channel])
    services = replace(
        runtime.services,
        clock=clock,
        channels=InstalledChannels(plugins, runtime.services.keys, sessions),
        extensions=extensions,
        sessions=sessions,
        previews=replace(runtime.services.previews, extensions=extensions),
    )
    runtime = replace(runtime, services=services, plugins=plugins)
    # However slow the machine of a test is, nobody is refused for it.
    patient = Admission(Gate(8, 60), Gate(2, 60), Gate(20, 60))
    return Stage(runtime, create_app(runtime, patient), channel, clock)


def faults(payload: Json) -> list[tuple[Sequence[str] | None, str]]:
    """Path and code of each user error."""
    return [(error["field"], error["code"]) for error in payload["userErrors"]]


def attribute(dimension: str, operator: str, *values: object) -> dict[str, object]:
    return {"attribute": {"dimension": dimension, "operator": operator, "values": list(values)}}


def ids(connection: Json) -> list[str]:
    return [node["id"] for node in connection["nodes"]]
