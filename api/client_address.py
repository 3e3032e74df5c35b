"""Addresses of clients, as the server has them: behind a trusted proxy, those that the proxy names."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import HTTPConnection

# As many addresses of version 6 as one subscriber gets.
_SUBSCRIBER_BITS = 64


def address_of(connection: HTTPConnection) -> str | None:
    """Return the client's address; None where there is none, as on a Unix socket, or a proxy has written none."""
    if connection.client is None:
        return None
    try:
        address = ip_address(connection.client.host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def network_of(address: str) -> str:
    """Return the address, or the network of its subscriber, who may take any address of version 6 in it."""
    parsed = ip_address(address)
    return address if parsed.version == 4 else str(ip_network((parsed, _SUBSCRIBER_BITS), strict=False))
