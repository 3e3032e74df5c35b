"""The files that the documentation shows come in as they are, each with what it says."""

from pathlib import Path

import pytest

from tests.api.graphql.operations.test_mapped_files import SAMPLES, imported
from tests.api.graphql.stage import Stage, StoreClient

CUSTOMER = """query ($email: String!) { customers(first: 5, search: $email) { nodes {
    externalId name firstName lastName phone tier
    contacts { channel consent } tags addresses { street city country } orderCount totalSpent
} } }"""


def content(name: str) -> bytes:
    return Path(SAMPLES / f"{name}.csv").read_bytes()


async def consents(store: StoreClient, email: str) -> dict[str, str]:
    [customer] = (await store.get(CUSTOMER, email=email))["customers"]["nodes"]
    return {contact["channel"]: contact["consent"] for contact in customer["contacts"]}


@pytest.mark.parametrize(
    ("files", "email", "consent"),
    [
        (["shopify_customers", "shopify_orders"], "anna@mail.example", "SUBSCRIBED"),
        (["mailchimp_unsubscribed", "mailchimp_subscribed"], "finn@mail.example", "SUBSCRIBED"),
        (["mailchimp_subscribed", "mailchimp_unsubscribed"], "gina@mail.example", "UNSUBSCRIBED"),
        (["klaviyo_profiles"], "hana@mail.example", "SUBSCRIBED"),
        (["klaviyo_profiles"], "ivo@mail.example", "UNSUBSCRIBED"),
        (["shopline_customers", "shopline_orders"], "ming@mail.example", "SUBSCRIBED"),
        (["shopline_customers"], "mei@mail.example", "NOT_SUBSCRIBED"),
    ],
)
async def test_consents_are_those_of_the_export(
    stage: Stage, store: StoreClient, files: list[str], email: str, consent: str
) -> None:
    """Rule 3.9."""
    for name in files:
        mutation = "ordersImport" if name.endswith("orders") else "customersImport"
        options = {"create_customers": True} if name.endswith("orders") else {}
        done = await imported(stage, store, mutation, content(name), **options)
        assert done["importReport"]["counts"]["refused"] == 0
    assert (await consents(store, email))["email"] == consent


async def test_shopify_orders_count_for_their_customers(stage: Stage, store: StoreClient) -> None:
    """h14b: cancelled and refunded orders are no sales, and a stranger is made."""
    await imported(stage, store, "customersImport", content("shopify_customers"))
    await imported(stage, store, "ordersImport", content("shopify_orders"), create_customers=True)
    for email, spent, count in (("anna@mail.example", 25, 1), ("bo@mail.example", 0, 0), ("cleo@mail.example", 10, 1)):
        [customer] = (await store.get(CUSTOMER, email=email))["customers"]["nodes"]
        assert (float(customer["totalSpent"]), customer["orderCount"]) == (spent, count), email
