"""The pace of a mail server's account is the store's to set."""

import pytest
from muster_sdk import AccountLimits, unfulfilled

from channels.email.plugin import EmailChannel
from tests.channels.email.support import settings


def limits(**changes: object) -> AccountLimits:
    return EmailChannel().account_limits(settings(25, **changes))


def test_an_account_is_a_user_at_a_server() -> None:
    login = {"username": "shop", "password": "secret"}
    assert limits(host="smtp.example.com", **login).account == "shop@smtp.example.com"
    assert limits(host="smtp.example.com").account == "smtp.example.com"
    assert "secret" not in repr(limits(**login))


def test_long_names_of_accounts_differ() -> None:
    accounts = {limits(host="h" * 200, username=f"{'u' * 200}{number}", password="p").account for number in range(3)}
    assert len(accounts) == 3
    assert all(len(account) <= 200 for account in accounts)


@pytest.mark.parametrize(("given", "per_second"), [({}, None), ({"messagesPerSecond": 2.5}, 2.5)])
def test_a_store_may_set_the_pace(given: dict[str, object], per_second: float | None) -> None:
    assert limits(**given).per_second == per_second
    assert unfulfilled(EmailChannel()) == []
