"""Addresses that the server connects to for others, and those that it never does.

What a user names must not lead to the keys of the machine: link-local addresses and
those of the metadata services of clouds, also where an IPv6 address leads to them.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv6Address,
    IPv6Network,
    ip_network,
)

__all__ = ["Address", "is_never_allowed", "reached"]

Address = IPv4Address | IPv6Address

_NEVER = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local; the metadata of most clouds
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "168.63.129.16/32",  # services of Azure, though it is a public address
        "192.0.0.192/32",  # metadata of Oracle Cloud
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/128",
        "fe80::/10",
        "fd00:ec2::/32",  # metadata of AWS
        "fd20:ce::254/128",  # metadata of Google Cloud
        "ff00::/8",
    )
]
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")  # RFC 8215
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 section 2.5.5.1


def is_never_allowed(address: Address) -> bool:
    """Whether no setting allows an address, or the one that it leads to."""
    return any(
        one in network for one in (address, reached(address)) for network in _NEVER
    )


def reached(address: Address) -> Address:
    """The IPv4 address that an IPv6 address leads to, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id:
        address = IPv6Address(int(address))
    if embedded := address.ipv4_mapped or address.sixtofour:
        return embedded
    if address.teredo:
        return address.teredo[1]
    low = IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _NAT64 or address in _LOCAL_NAT64:
        return low
    if address in _COMPATIBLE and int(address) > 1:
        return low
    return address
