"""Under which addresses other machines in the same room reach this one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping

import psutil

# interfaces of containers, virtual machines and tunnels, to which no other machine of the room is connected
VIRTUAL = re.compile(
    r"docker|br-|veth|virbr|vmnet|vmware|vbox|virtualbox|vethernet|podman|cni|flannel|cali|lxc|lxd|tun|tap|utun|wg|"
    r"tailscale|zt|hyper-v",
    re.IGNORECASE,
)
LAN = [ipaddress.ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]  # RFC 1918


def addresses_in_room(interfaces: Mapping[str, Iterable[str]]) -> list[str]:
    """The addresses that other machines may reach, the likeliest first: private IPv4, other IPv4, IPv6.

    interfaces: the IP addresses of each network interface, by its name. Virtual ones count where there is no other.
    """
    real = {name: texts for name, texts in interfaces.items() if not VIRTUAL.match(name)}
    addresses = [ipaddress.ip_address(text) for texts in real.values() for text in texts]
    usable = [a for a in addresses if not (a.is_loopback or a.is_link_local or a.is_unspecified or a.is_multicast)]
    if not usable and len(real) < len(interfaces):
        return addresses_in_room({f"only {name}": texts for name, texts in interfaces.items()})

    def rank(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
        return 2 if address.version == 6 else int(not any(address in block for block in LAN))

    return [str(address) for address in sorted(usable, key=rank)]


def own_interfaces() -> dict[str, list[str]]:
    """The IP addresses of this machine's network interfaces that are up."""
    states = psutil.net_if_stats()
    return {
        name: [entry.address for entry in entries if entry.family.name in ("AF_INET", "AF_INET6")]
        for name, entries in psutil.net_if_addrs().items()
        if name not in states or states[name].isup
    }
