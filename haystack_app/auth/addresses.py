"""Where a request comes from, as far as it can be believed."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.http import HttpRequest

from ..conf import app_settings

__all__ = ["address_of", "network_of"]

_LONGEST = 45
_OF_ONE_HOUSE = 64
"""Bits of an IPv6 prefix: nobody has fewer addresses than these."""


def address_of(request: HttpRequest) -> str:
    """The client's address.

    Anybody can write ``X-Forwarded-For``. Only the entries that our own proxies
    appended count, and ``HAYSTACK["PROXIES"]`` says how many proxies there are.
    """
    proxies = app_settings.PROXIES
    near = str(request.META.get("REMOTE_ADDR", ""))
    if proxies == 0:
        return near[:_LONGEST]
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    far = hops[-proxies:][0] if hops else near
    return _readable(far) or near[:_LONGEST]


def network_of(address: str) -> str:
    """What one client has for sure: an IPv4 address, a network of IPv6."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(IPv6Network((int(ip), _OF_ONE_HOUSE), strict=False))


def _readable(text: str) -> str:
    """Empty for what is no address."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
