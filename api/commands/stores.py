"""Commands that create stores and their API tokens."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.environment import StoreNumber, find_store, load_settings, run_with_database

if TYPE_CHECKING:
    from domain.kit.db import Database


def create_store(
    name: Annotated[str, typer.Option(help="The store's name.")],
    timezone: Annotated[str, typer.Option(help="IANA time zone, such as Asia/Taipei: days begin at midnight there.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code, such as EUR.")] = "USD",
) -> None:
    """Create a store. Its number is printed, alone on the last line."""
    from api.transactions import write
    from domain.kit.clock import system_clock
    from domain.stores import model, queries

    async def create(database: "Database") -> int:
        zone = model.check_timezone(timezone)
        store = await write(
            database, lambda tx: queries.create(tx, name.strip(), zone, currency.upper(), system_clock())
        )
        return store.id

    typer.echo(run_with_database(load_settings(), create))


def create_token(
    scopes: Annotated[str, typer.Option(help="Comma-separated: read, write, send, rewards, admin.")],
    store: StoreNumber = None,
    name: Annotated[str, typer.Option(help="The token's purpose.")] = "command line",
) -> None:
    """Create a token. It is printed once, alone on the last line, and cannot be shown again."""
    from api.transactions import write
    from domain.kit.clock import system_clock
    from domain.stores import model
    from domain.stores.queries import add_token

    allowed = model.check_scopes([scope.strip() for scope in scopes.split(",") if scope.strip()])

    async def create(database: "Database") -> str:
        store_id = await find_store(database, store)
        token = model.new_token(store_id)
        hashed = model.token_hash(token)
        assert hashed is not None
        await write(database, lambda tx: add_token(tx, store_id, name, hashed, allowed, system_clock()))
        return token

    typer.echo(run_with_database(load_settings(), create))
