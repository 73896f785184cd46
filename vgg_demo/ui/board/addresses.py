"""Under which address a phone in the same room finds this page."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from vgg_demo.addresses import addresses_in_room


def page_addresses(
    opened: str, listens_on: str | None, port: int, interfaces: Mapping[str, Iterable[str]], is_https: bool = False
) -> list[str]:
    """The page's addresses for the room, the likeliest first; none when only this computer can open it.

    opened: the address under which the page was opened here; unless it is this computer's own name for itself, it is
    the one, also where a proxy passes it on. listens_on: the address that the server listens on, None or "0.0.0.0" for
    all. interfaces: as in addresses_in_room.
    """
    here = urlsplit(opened)
    path = here.path.rstrip("/") + "/"
    if here.hostname and not is_this_computer(here.hostname):
        return [f"{here.scheme}://{here.netloc}{path}"]
    if listens_on and is_this_computer(listens_on):
        return []
    is_everywhere = not listens_on or listens_on in ("0.0.0.0", "::")
    hosts = addresses_in_room(interfaces) if is_everywhere else [str(listens_on)]
    scheme, usual = ("https", 443) if is_https else ("http", 80)
    end = "" if port == usual else f":{port}"
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}{end}{path}" for host in hosts]


def is_this_computer(host: str) -> bool:
    """Whether a host's name or address means the computer on which it is used."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
