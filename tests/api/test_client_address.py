"""The address of a client, and the network that it may change its address in."""

import pytest
from starlette.requests import HTTPConnection

from api.client_address import address_of, network_of


@pytest.mark.parametrize(
    ("host", "address", "network"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("2001:DB8:1:2:3::1", "2001:db8:1:2:3::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
    ],
)
def test_an_address_of_version_6_is_one_of_a_subscribers(host: str, address: str, network: str) -> None:
    assert address_of(HTTPConnection({"type": "http", "headers": [], "client": (host, 1)})) == address
    assert network_of(address) == network


@pytest.mark.parametrize("client", [None, ("", 0), ("unknown", 0), ("x" * 10_000, 0)])
def test_what_is_no_address_is_none(client: tuple[str, int] | None) -> None:
    assert address_of(HTTPConnection({"type": "http", "headers": [], "client": client})) is None
