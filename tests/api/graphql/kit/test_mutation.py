from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import pytest
import strawberry
from sqlalchemy import select, update
from strawberry import Schema

from api.audit_trail import AuditTrail
from api.graphql.kit.access import scope_of
from api.graphql.kit.context import Context
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import schema_of
from api.graphql.kit.mutation import Record, mutation
from domain.audit.tables import audit_entries
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError, DomainErrors, NotFound
from domain.stores.model import TokenScope
from domain.stores.tables import stores
from tests.factories import add_store

TOKEN = UUID(int=7)


@strawberry.type
class RenamePayload:
    name: str | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class Mutation:
    @mutation(RenamePayload, TokenScope.WRITE, errors_under="input")
    async def store_rename(self, context: Context, tx: Transaction, id: strawberry.ID, input: str) -> RenamePayload:  # noqa: A002
        """Rename the store, and refuse some names only after that."""
        await tx.execute(update(stores).where(stores.c.id == context.store_id).values(name=input))
        if input == "two faults":
            raise DomainErrors([DomainError("Too short", field=("name",)), NotFound("There is none", field=("id",))])
        return RenamePayload(name=input)

    @mutation(RenamePayload, TokenScope.WRITE)
    async def store_race(self, context: Context, tx: Transaction) -> RenamePayload:
        """Lose a race at the first attempt, to a store that has the id."""
        name = f"seen by attempt {cast(FakeContext, context).forgotten}"
        await tx.execute(update(stores).where(stores.c.id == context.store_id).values(name=name))
        if cast(FakeContext, context).forgotten == 1:
            await add_store(tx, id=context.store_id)
        return RenamePayload(name=name)

    @mutation(RenamePayload, TokenScope.WRITE)
    async def store_name(self, context: Context, record: Record, forget: bool = False) -> RenamePayload:
        async with context.database.write() as tx:
            payload = RenamePayload(name=await tx.scalar(select(stores.c.name)))
            if not forget:
                await record(tx, payload)
            return payload


@strawberry.type
class Query:
    nothing: int = 0


@dataclass(frozen=True)
class FakePrincipal:
    token_id: UUID = TOKEN
    token_name: str = "the till"


@dataclass(frozen=True)
class FakeServices:
    audit: AuditTrail


@dataclass
class FakeContext:
    database: Database
    store_id: int
    principal: FakePrincipal = FakePrincipal()
    forgotten: int = 0
    address: str = "192.0.2.1"

    @property
    def services(self) -> FakeServices:
        return FakeServices(AuditTrail(self.database))

    def forget(self) -> None:
        self.forgotten += 1


SCHEMA = Schema(Query, Mutation)
RENAME = "mutation ($to: String!) { storeRename(id: 1, input: $to) { name userErrors { field message code } } }"


@pytest.fixture
async def context(database: Database) -> FakeContext:
    async with database.write() as tx:
        return FakeContext(database, await add_store(tx, name="Before"))


async def execute(document: str, context: FakeContext, **variables: object) -> Any:
    return await SCHEMA.execute(document, variables, context_value=cast(Context, context))


async def test_it_has_the_arguments_of_the_client_alone(context: FakeContext) -> None:
    assert "storeRename(id: ID!, input: String!): RenamePayload!" in SCHEMA.as_str()
    result = await execute(RENAME, context, to="After")
    assert result.data == {"storeRename": {"name": "After", "userErrors": []}}


async def test_a_refusal_is_answered_with_paths_and_undoes_the_transaction(context: FakeContext) -> None:
    result = await execute(RENAME, context, to="two faults")
    assert result.errors is None
    assert result.data["storeRename"] == {
        "name": None,
        "userErrors": [
            {"field": ["input", "name"], "message": "Too short", "code": "INVALID"},
            {"field": ["id"], "message": "There is none", "code": "NOT_FOUND"},
        ],
    }
    async with context.database.read() as tx:
        assert await tx.scalar(select(stores.c.name).where(stores.c.id == context.store_id)) == "Before"


async def test_a_lost_race_is_run_again_with_nothing_that_was_loaded_before(context: FakeContext) -> None:
    result = await execute("mutation { storeRace { name } }", context)
    assert result.data == {"storeRace": {"name": "seen by attempt 2"}}
    async with context.database.read() as tx:
        assert list((await tx.execute(select(stores.c.name))).scalars()) == ["seen by attempt 2"]


async def test_one_without_tx_opens_its_own_and_records_itself(context: FakeContext) -> None:
    result = await execute("mutation { storeName { name } }", context)
    assert result.errors is None
    assert await actions(context) == [("storeName", "DONE", None)]
    result = await execute("mutation { storeName(forget: true) { name } }", context)
    assert [str(error.original_error) for error in result.errors] == ["storeName has not recorded itself"]


async def actions(context: FakeContext) -> list[tuple[str, str, str | None]]:
    """The action, the outcome and the codes of each entry in the audit log."""
    entry = audit_entries.c
    async with context.database.read() as tx:
        rows = await tx.execute(select(entry.action, entry.outcome, entry.codes).order_by(entry.at, entry.id))
        return [(row.action, row.outcome, row.codes) for row in rows]


async def test_a_call_is_recorded_with_its_change_or_refusal_and_once_however_often_it_is_tried(
    context: FakeContext,
) -> None:
    await execute(RENAME, context, to="After")
    await execute(RENAME, context, to="two faults")
    await execute("mutation { storeRace { name } }", context)
    assert await actions(context) == [
        ("storeRename", "DONE", None),
        ("storeRename", "REFUSED", "INVALID NOT_FOUND"),
        ("storeRace", "DONE", None),
    ]


async def test_a_change_that_cannot_be_recorded_is_not_made(context: FakeContext) -> None:
    """Of whatever makes the INSERT fail, an actor is the simplest whose name no database stores."""
    context.principal = FakePrincipal(token_name=cast(Any, object()))
    result = await execute(RENAME, context, to="After")
    assert len(result.errors) == 1
    async with context.database.read() as tx:
        assert await tx.scalar(select(stores.c.name).where(stores.c.id == context.store_id)) == "Before"


def test_it_asks_for_its_scope() -> None:
    mutations = schema_of(SCHEMA).mutation_type
    assert {scope_of(mutations, name, field) for name, field in mutations.fields.items()} == {TokenScope.WRITE}
