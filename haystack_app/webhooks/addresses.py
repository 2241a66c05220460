"""Which addresses webhooks may be sent to.

Editors of webhooks must not reach, through the server, what only the server reaches:
itself, its network, and the metadata of a cloud. So the addresses of a host are looked
up once, checked, and connected to; the name is not looked up again.
"""

from __future__ import annotations

import socket
from ipaddress import IPv6Network, ip_address, ip_network

from ..conf import app_settings
from ..destinations import Address, is_never_allowed, reached

__all__ = ["RefusedAddress", "addresses_of", "is_allowed"]

_UNICAST = IPv6Network("2000::/3")
"""All public IPv6 addresses (RFC 4291 section 2.4)."""


class RefusedAddress(ValueError):
    """The host has no address that webhooks may be sent to; the text is for people."""


def addresses_of(host: str, port: int) -> list[str]:
    """The allowed addresses of a host, by one look-up, in the system's order.

    Raises RefusedAddress if it has others only, OSError if the look-up fails.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise RefusedAddress(f"{host!r} is not the name of a host") from None
    texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [text for text in texts if is_allowed(ip_address(text))]
    if not allowed:
        # without the address, which would tell editors about the network
        raise RefusedAddress(
            f"{host!r} is at a private or reserved address, which the setting "
            "WEBHOOKS_ALLOW_PRIVATE does not allow"
        )
    return allowed


def is_allowed(address: Address) -> bool:
    """Whether an address is public, or in a network of ``WEBHOOKS_ALLOW_PRIVATE``."""
    if is_never_allowed(address):
        return False
    end = reached(address)
    if any(end in ip_network(text) for text in app_settings.WEBHOOKS_ALLOW_PRIVATE):
        return True
    return end.is_global and (end.version == 4 or end in _UNICAST)
