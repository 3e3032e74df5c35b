"""Hosts of a test's own: network namespaces on one bridge, whose cables can be pulled."""

import os
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.cluster import programs

_CUT = """
table inet cut {
  chain incoming { type filter hook input priority 0; policy drop; iifname "lo" accept; }
  chain outgoing { type filter hook output priority 0; policy drop; oifname "lo" accept; }
}
"""


@dataclass(frozen=True)
class Host:
    namespace: str
    address: str

    def cut_off(self) -> None:
        """Let no packet in or out, and tell nobody: like a cable that is pulled out."""
        subprocess.run(self._inside("nft", "-f", "-"), input=_CUT, text=True, check=True)

    def reconnect(self) -> None:
        subprocess.run(self._inside("nft", "delete", "table", "inet", "cut"), check=True)

    def delete(self) -> None:
        """Kill every process of this host, and the host."""
        listed = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True, check=False)
        for pid in listed.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", self.namespace], check=False, stderr=subprocess.DEVNULL)

    def _inside(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, *command]


@contextmanager
def hosts(count: int) -> Generator[Sequence[Host]]:
    """Hosts that reach each other and this one, by addresses that no other test run has."""
    programs.require("ip", "nft", root=True)
    run = os.getpid()
    bridge, subnet = f"mu{run}", f"10.{128 + run // 250 % 120}.{run % 250}"
    made = [Host(f"muster-{run}-{number}", f"{subnet}.{number + 2}") for number in range(count)]
    try:
        _ip("link", "add", bridge, "type", "bridge")
        _ip("address", "add", f"{subnet}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for number, host in enumerate(made):
            ours, theirs = f"mu{run}-{number}", f"mu{run}-{number}p"
            _ip("netns", "add", host.namespace)
            _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", host.namespace)
            _ip("link", "set", ours, "master", bridge, "up")
            _ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", theirs)
            _ip("-n", host.namespace, "link", "set", theirs, "up")
            _ip("-n", host.namespace, "link", "set", "lo", "up")
        yield made
    finally:
        for host in made:
            host.delete()
        for link in [*(f"mu{run}-{number}" for number in range(count)), bridge]:
            subprocess.run(["ip", "link", "delete", link], check=False, stderr=subprocess.DEVNULL)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
