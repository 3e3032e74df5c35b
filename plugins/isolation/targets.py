"""Addresses that a channel's process may connect to: none inside of our network, unless the operator allows it.

A store's staff choose the host in a channel's settings. Each connection is looked at when it is made, by the address
that it is made to: a name that is resolved anew, or redirected, leads nowhere else.
"""

import errno
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import cast

ALL = "allow"

# What the standard library takes for global though it is not, or though whoever runs the machine answers there.
_INSIDE = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's own services
        "192.0.0.0/24",  # special purposes; one of them is the metadata of Oracle's cloud
        "192.88.99.0/24",  # relays of 6to4
        "fec0::/10",  # site-local, which came before fc00::/7
        "64:ff9b:1::/48",  # a NAT64 of the network's own
    )
)
# Networks whose addresses stand for one of IPv4, and how far it is shifted to the left.
_EMBEDDED = (
    (IPv6Network("::/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)


@dataclass(frozen=True, slots=True)
class Targets:
    """The networks that are allowed though they are not public; `ALL` stands for all."""

    allowed: Sequence[str]

    def permit(self, host: object) -> bool:
        """Return whether a connection to this host may be made. Anything but an address may not."""
        if ALL in self.allowed:
            return True
        try:
            address = ip_address(host) if isinstance(host, str) else None
        except ValueError:
            address = None
        if address is None:
            return False
        networks = [ip_network(network, strict=False) for network in self.allowed]
        address = _plain(address)
        return _is_public(address) or any(address in network for network in networks)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the address of IPv4 that one of IPv6 stands for."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    for network, shift in _EMBEDDED:
        # ::1 and :: are addresses of their own.
        if address in network and int(address) > 1:
            return IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in _INSIDE)


def guard_connections(targets: Targets, report: Callable[[str], None]) -> None:
    """Refuse what this process connects to and may not, as if nobody listened there; report it, for the log alone.

    For ever: an audit hook cannot be taken out.
    """

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event != "socket.connect":
            return
        # A socket of the file system is nothing that a host in settings leads to.
        address = cast("tuple[object, ...]", arguments[1]) if isinstance(arguments[1], tuple) else ()
        if address and not targets.permit(address[0]):
            report(str(address[0]))
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

    sys.addaudithook(look)
