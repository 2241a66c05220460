"""Which addresses connectors may connect to.

Private ones are allowed, for buildings are private. Link-local addresses and those of
metadata services of clouds are not: what answers there has keys of the machine.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address

from ..destinations import is_never_allowed
from ..models import Connector
from .errors import ConnectorError

__all__ = ["check_address", "connected"]


def check_address(text: str) -> None:
    """Raises ConnectorError for an address that is refused, in any of its forms."""
    if is_never_allowed(ip_address(text)):
        raise ConnectorError(
            Connector.Status.ADDRESS,
            f"address {text} is refused: it is link-local, a group, or serves metadata",
        )


def connected(host: str, port: int, timeout: float) -> socket.socket:
    """A connection to one of the addresses of a host, each of which is checked.

    A name is looked up once, so that another answer cannot come after the check.
    Raises ConnectorError or OSError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for _, _, _, _, place in found:
        check_address(str(place[0]))
    failure: OSError = ConnectionRefusedError("no address")
    for family, kind, protocol, _, place in found:
        tried = socket.socket(family, kind, protocol)
        tried.settimeout(timeout)
        try:
            tried.connect(place)
        except OSError as error:
            tried.close()
            failure = error
        else:
            return tried
    raise failure
