"""URLs of Redis: one server, one with Sentinel, or a cluster.

- ``redis://[user:password@]host[:port]/[database]``, ``rediss:`` and ``unix:``
- ``redis+sentinel://[user:password@]host[:port],host[:port]/service[/database]``: the
  hosts are the sentinels, user and password those of the servers;
  ``?sentinel_username=`` and ``?sentinel_password=`` are for the sentinels
- ``redis+cluster://[user:password@]host[:port],host[:port]``: some of the nodes

``rediss+sentinel:`` and ``rediss+cluster:`` use TLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

__all__ = ["CLUSTER", "SENTINEL", "SERVER", "RedisUrl", "tagged"]

SERVER, SENTINEL, CLUSTER = "", "sentinel", "cluster"
_PORTS = {SERVER: 6379, SENTINEL: 26379, CLUSTER: 6379}
_SCHEMES = ("redis", "rediss", "unix")
_LOGIN = ("sentinel_username", "sentinel_password")
_TAG = "tag"
_UNREADABLE = (
    "the URL of Redis is redis://[user:password@]host[:port]/[database],"
    " redis+sentinel://[user:password@]host[:port],host[:port]/service[/database] or"
    " redis+cluster://[user:password@]host[:port],host[:port], or one with rediss or"
    " unix; quote / ? # [ ] @ in a password as %2F and so on"
)


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """``form`` is SERVER, SENTINEL or CLUSTER.

    ``hosts`` are those of sentinels or nodes. ``plain`` is a URL for redis-py, without
    a host for sentinels and clusters; ``sentinel`` is the login of the sentinels.
    ``tag`` is the hash tag of all keys, which a cluster needs.
    """

    form: str
    hosts: tuple[tuple[str, int], ...]
    service: str
    plain: str
    sentinel: dict[str, str]
    tag: str
    shown: str
    """Without secrets."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises ImproperlyConfigured, which never quotes the URL."""
        try:
            return cls._parsed(url)
        except ValueError:
            raise ImproperlyConfigured(_UNREADABLE) from None

    @classmethod
    def _parsed(cls, url: str) -> Self:
        parts = urlsplit(url)
        scheme, _, form = parts.scheme.partition("+")
        if scheme not in _SCHEMES or form not in _PORTS or parts.fragment:
            raise ValueError("scheme")
        if "@" in parts.path or (form and scheme == "unix"):
            raise ValueError("path")
        login, at, places = parts.netloc.rpartition("@")
        options = dict(parse_qsl(parts.query))
        sentinel = {
            name.removeprefix("sentinel_"): options.pop(name)
            for name in _LOGIN
            if name in options
        }
        tag = options.pop(_TAG, "")
        hosts = tuple(_host(place, _PORTS[form]) for place in places.split(","))
        if form == SERVER and len(hosts) > 1:
            raise ValueError("hosts")
        service, database = _path(form, parts.path)
        shown = f"{parts.scheme}://{places.lower()}{parts.path}"
        if options.get("db", "").isdecimal():
            shown += f"?db={options['db']}"
        plain = f"{scheme}://{login}{at}{'' if form else places}{database}"
        if options:
            plain += f"?{urlencode(options)}"
        return cls(form, hosts, service, plain, sentinel, tag, shown)


def tagged(url: str, tag: str) -> str:
    """The URL with the hash tag of all keys, which only clusters need."""
    if not tag or RedisUrl.parse(url).form != CLUSTER:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({_TAG: tag})}"


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", port if parts.port is None else parts.port


def _path(form: str, path: str) -> tuple[str, str]:
    """The service, and the path with the database."""
    if form == SERVER:
        return "", path
    names = [name for name in path.split("/") if name]
    if form == CLUSTER:
        if names not in ([], ["0"]):
            raise ValueError("a cluster has one database")
        return "", "/0"
    if len(names) not in (1, 2) or (len(names) == 2 and not names[1].isdecimal()):
        raise ValueError("service")
    return names[0], f"/{names[1] if len(names) == 2 else 0}"
