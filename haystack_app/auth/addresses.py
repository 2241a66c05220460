"""Addresses of clients, from sources that a client cannot forge."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.http import HttpRequest

from ..conf import app_settings

__all__ = ["address_of", "network_of"]

_LONGEST = 45
_IPV6_PREFIX = 64
"""Length of the smallest IPv6 prefix that is assigned to one client."""


def address_of(request: HttpRequest) -> str:
    """The client's address.

    Clients can send any ``X-Forwarded-For``. Only the last entries, appended by
    ``HAYSTACK["PROXIES"]`` trusted proxies, are used.
    """
    proxies = app_settings.PROXIES
    remote = str(request.META.get("REMOTE_ADDR", ""))
    if proxies == 0:
        return remote[:_LONGEST]
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    client = hops[-proxies:][0] if hops else remote
    return _normalized(client) or remote[:_LONGEST]


def network_of(address: str) -> str:
    """The smallest network of one client: an IPv4 address or an IPv6 /64."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(IPv6Network((int(ip), _IPV6_PREFIX), strict=False))


def _normalized(text: str) -> str:
    """The address; empty if it is invalid."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
