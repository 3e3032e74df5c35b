"""Commands that create stores, and create, list and revoke their API tokens."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.commands.environment import StoreNumber, find_store, load_settings, record, record_store, run_with_database

if TYPE_CHECKING:
    from datetime import datetime

    from domain.kit.db import Database, Transaction


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

        async def add(tx: "Transaction") -> int:
            store = await queries.create(tx, name.strip(), zone, currency.upper(), system_clock())
            await record_store(tx, store)
            return store.id

        return await write(database, add)

    typer.echo(run_with_database(load_settings(), create))


def create_token(
    scopes: Annotated[str, typer.Option(help="Comma-separated: read, write, send, rewards, admin.")],
    store: StoreNumber = None,
    name: Annotated[str, typer.Option(help="The token's purpose.")] = "command line",
    expires: Annotated[
        str | None,
        typer.Option(
            help="When it expires: days such as 90d, or a day such as 2027-01-31 (at 0:00). Never by default."
        ),
    ] = None,
) -> None:
    """Create a token. It is printed once, alone on the last line, and cannot be shown again."""
    from api.transactions import write
    from domain.audit.model import AuditSubject
    from domain.kit.clock import system_clock
    from domain.stores import actions, model, queries

    names = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    model.check_scopes(names)

    async def create(database: "Database") -> str:
        store_id, now = await find_store(database, store), system_clock()
        async with database.read() as tx:
            zone = await queries.timezone_of(tx, store_id)
        expires_at = None if expires is None else model.expiry_of(expires, now, zone)
        draft = model.draft_token(name, names, expires_at, now, creator=None)

        async def add(tx: "Transaction") -> str:
            token, secret = await actions.create_token(tx, store_id, draft, now)
            subject = AuditSubject("ApiToken", str(token.id))
            await record(tx, store_id, "apiTokenCreate", subject=subject, after=token.recorded())
            return secret

        return await write(database, add)

    typer.echo(run_with_database(load_settings(), create))


def list_tokens(store: StoreNumber = None) -> None:
    """List the tokens that are not revoked, the newest first."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from domain.stores import queries
    from domain.stores.model import ApiToken

    async def read(database: "Database") -> list[ApiToken]:
        store_id = await find_store(database, store)
        async with database.read() as tx:
            return await queries.tokens(tx, store_id)

    def day(value: "datetime | None") -> str:
        return "never" if value is None else value.date().isoformat()

    # Eighty columns hold an id and the days, whatever the names are; days are UTC's.
    fixed = [Column(name, no_wrap=True) for name in ("expires", "last used")]
    folding = [Column(name, overflow="fold") for name in ("name", "scopes")]
    table = Table(Column("id", no_wrap=True), *folding, *fixed, box=None, padding=(0, 1, 0, 0))
    for token in run_with_database(load_settings(), read):
        table.add_row(
            str(token.id),
            Text(token.name),
            ",".join(sorted(token.scopes)),
            day(token.expires_at),
            day(token.last_used_at),
        )
    Console().print(table)


def revoke_token(
    id: Annotated[UUID, typer.Argument(help="The token's id, as `muster token list` prints it.")],  # noqa: A002
    store: StoreNumber = None,
) -> None:
    """Revoke a token, for good. Its open connections end within two seconds."""
    from api.transactions import write
    from domain.audit.model import AuditSubject
    from domain.kit.clock import system_clock
    from domain.stores import actions
    from domain.stores.model import ApiToken

    async def revoke(database: "Database") -> ApiToken:
        store_id = await find_store(database, store)

        async def revoke_one(tx: "Transaction") -> ApiToken:
            token = await actions.revoke_token(tx, store_id, id, system_clock())
            subject = AuditSubject("ApiToken", str(id))
            await record(tx, store_id, "apiTokenRevoke", subject=subject, before=token.recorded())
            return token

        return await write(database, revoke_one)

    token = run_with_database(load_settings(), revoke)
    typer.echo(f"The token {token.name!r} is revoked.")
