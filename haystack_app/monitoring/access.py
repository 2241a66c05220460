"""Who may read the metrics: programs with a token, or from some networks."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from ..auth.addresses import address_of
from ..conf import app_settings

__all__ = ["is_open", "may_scrape"]

_BEARER = "bearer "


def is_open() -> bool:
    """Whether the settings let anyone read the metrics."""
    metrics = app_settings.METRICS
    return bool(metrics["TOKEN"] or metrics["NETWORKS"])


def may_scrape(request: HttpRequest) -> bool:
    metrics = app_settings.METRICS
    header = request.headers.get("Authorization", "")
    if header.lower().startswith(_BEARER) and metrics["TOKEN"]:
        given = header[len(_BEARER) :].strip()
        return constant_time_compare(given, metrics["TOKEN"])
    try:
        address = ip_address(address_of(request))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any(
        (mapped or address) in ip_network(network) for network in metrics["NETWORKS"]
    )
