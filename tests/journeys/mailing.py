"""A campaign by e-mail to customers who all accept it, on its way."""

from uuid import UUID

from sqlalchemy import insert

from domain.campaigns import launch
from domain.customers.tables import contacts, customers
from domain.kit.db import Database
from domain.kit.secret_keys import SecretKey
from domain.stores import queries as stores
from plugins.sealing import seal
from tests.domain.campaigns.stage import add_campaign, add_list
from tests.factories import NOW, add_store
from tests.journeys.processes import consent, customer


async def launch_mailing(url: str, mail_port: int, recipients: int, key: str) -> tuple[int, UUID]:
    """Return the store and the campaign, whose launch waits for a worker; the key seals the channel's settings."""
    settings = {"host": "127.0.0.1", "port": mail_port, "security": "none", "fromAddress": "shop@example.com"}
    numbers = range(1, recipients + 1)
    database = Database(url)
    async with database.write() as tx:
        store_id = await add_store(tx)
        await tx.execute(insert(customers), [customer(store_id, number) for number in numbers])
        await tx.execute(insert(contacts), [consent(store_id, number) for number in numbers])
        await stores.install(tx, store_id, "email", seal(settings, SecretKey(key.encode()), store_id, "email"), NOW)
        list_id = await add_list(tx, store_id, list(numbers))
        content = {"subject": "Hi {{ customer.name }}", "text": "Hello"}
        campaign = await add_campaign(tx, store_id, list_id, channel="email", content=content)
        await launch.start(tx, store_id, campaign.id)
    await database.close()
    return store_id, campaign.id
