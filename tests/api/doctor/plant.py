"""Corruptions that are planted in a healthy shop's database, past the product and past its constraints."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

from sqlalchemy import ColumnElement, Executable, Table, delete, insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from api import doctor
from api.doctor import CheckResult, registry
from api.wiring import Runtime
from tests.api.doctor.shop import Shop

BOTH = ("sqlite", "postgresql")
Statements = Callable[[Shop], Sequence[Executable | str]]


@dataclass(frozen=True, slots=True)
class Plant:
    """A corruption: the statements that make it, the check that finds it, and what that says, with the shop's ids."""

    check: str
    said: str
    statements: Statements
    # Of the finding as a whole.
    store: bool = True
    warning: bool = False
    dialects: Sequence[str] = field(default=BOTH)


def change(table: Table, where: Callable[[Shop], Mapping[str, object]], **values: object) -> Statements:
    """Change the shop's rows of a table that have these values."""
    return lambda shop: [update(table).where(*_of_shop(table, shop, where(shop))).values(values)]


def add(table: Table, row: Callable[[Shop], Mapping[str, object]]) -> Statements:
    """Add a row to the shop's."""
    return lambda shop: [insert(table).values({"store_id": shop.store_id, **row(shop)})]


def remove(table: Table, where: Callable[[Shop], Mapping[str, object]]) -> Statements:
    return lambda shop: [delete(table).where(*_of_shop(table, shop, where(shop)))]


def run(*statements: str) -> Statements:
    return lambda _: statements


def every(_: Shop) -> Mapping[str, object]:
    return {}


def rows(**values: object) -> Callable[[Shop], Mapping[str, object]]:
    return lambda _: values


def _of_shop(table: Table, shop: Shop, where: Mapping[str, object]) -> Sequence[ColumnElement[bool]]:
    store = table.c.id if table.name == "stores" else table.c.store_id
    return [store == shop.store_id, *(table.c[name] == value for name, value in where.items())]


@asynccontextmanager
async def unguarded(url: str) -> AsyncGenerator[AsyncConnection]:
    """Open a transaction in which no foreign key holds."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
    await engine.dispose()


async def plant(url: str, statements: Sequence[Executable | str]) -> None:
    async with unguarded(url) as connection:
        for statement in statements:
            await connection.execute(text(statement) if isinstance(statement, str) else statement)


async def check_plant(runtime: Runtime, shop: Shop, url: str, planted: Plant) -> None:
    """Plant the corruption, and assert that its check finds it, and says where."""
    if runtime.database.dialect not in planted.dialects:
        return
    assert (await result_of(runtime, planted.check)).findings == []
    await plant(url, planted.statements(shop))
    result = await result_of(runtime, planted.check)
    assert (result.passed, result.warning) == (planted.warning, planted.warning), result
    ids = {name: value for name, value in asdict(shop).items() if name.endswith("_id")}
    said = planted.said.format(**ids)
    assert any(said in finding.text and finding.warning is planted.warning for finding in result.findings), result
    if planted.store:
        assert f"store {shop.store_id}: " in result.message
    assert result.advice


async def result_of(runtime: Runtime, name: str) -> CheckResult:
    """Return what one check finds."""
    process_checks = [check for check in registry.PROCESS_CHECKS if check.name == name]
    data_checks = [check for check in registry.DATA_CHECKS if check.name == name]
    (result,) = await doctor.run_checks(runtime, process_checks, data_checks)
    return result
