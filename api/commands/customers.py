"""Commands about single customers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.environment import CommandFailed, StoreNumber, find_store, load_settings, run_with_database

if TYPE_CHECKING:
    from domain.kit.db import Database


def export_customer(
    customer: Annotated[str, typer.Argument(help="The customer's ID, as the API has it, or external id.")],
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write, which must not exist yet.")],
    store: StoreNumber = None,
) -> None:
    """Write everything that is held of a customer into a JSON file."""
    from api.graphql.kit import global_ids
    from domain.consents.suppressions import suppression_key
    from domain.customers import queries
    from domain.installation.keys import InstallationKeys
    from domain.privacy import export
    from domain.privacy.export import Person

    settings = load_settings()

    async def run(database: "Database") -> None:
        store_id = await find_store(database, store)
        number = global_ids.number(customer, "Customer")
        async with database.read() as tx:
            by_external_id = await queries.by_external_id(tx, store_id, customer)
            if by_external_id is not None:
                number = by_external_id.id
            if not isinstance(number, int) or not await queries.is_somebody(tx, store_id, number):
                raise CommandFailed(f"The store {store_id} has no customer {customer}")
        keys = await InstallationKeys(settings.secret_keys()).load(database)
        person = Person(store_id, number, suppression_key(keys))
        try:
            with file.open("xb") as output:
                await export.write(database, person, output, settings.clock()())
        except FileExistsError:
            raise CommandFailed(f"{file} exists already") from None

    run_with_database(settings, run)
