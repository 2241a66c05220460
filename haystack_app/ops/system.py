"""Ops of the server itself: about, formats, echo, close."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings

from .. import __version__
from ..conf import app_settings
from ..identity import server_id
from ..kinds.datetimes import DateTime
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, Uri
from ..kinds.timezones import city_of
from ..wire.registry import FORMATS, Format
from .registry import Context, op

__all__: list[str] = []

_BOOT = dt.datetime.now(dt.UTC)
_URI = Uri("https://project-haystack.org/")


@op("about")
def about(context: Context, request: Grid) -> Grid:
    """Name, version, clock and time zone of the server."""
    tz = city_of(settings.TIME_ZONE)
    name = app_settings.SERVER_NAME
    row: dict[str, Any] = {
        "haystackVersion": "4.0",
        "tz": tz,
        "serverName": name,
        "serverTime": DateTime(context.now.replace(microsecond=0), tz),
        "serverBootTime": DateTime(_BOOT.replace(microsecond=0), tz),
        "productName": "Django Haystack",
        "productUri": _URI,
        "productVersion": __version__,
        "vendorName": "The Haystack server authors",
        "vendorUri": _URI,
        "moduleName": "haystack_app",
        "moduleVersion": __version__,
        "serverId": server_id(),
        "whoami": context.username,
    }
    return Grid.of([row | context.storage.about()])


@op("formats")
def formats(context: Context, request: Grid) -> Grid:
    """The media types of requests and answers."""
    rows = []
    for form in FORMATS:
        for mime in _mimes(form):
            row: dict[str, Any] = {"mime": mime}
            if form.read:
                row["receive"] = MARKER
            if form.write:
                row["send"] = MARKER
            rows.append(row)
    return Grid.of(rows)


@op("echo")
def echo(context: Context, request: Grid) -> Grid:
    """The grid of the request, as the server has read it, in the format of Accept."""
    return request


def _mimes(form: Format) -> list[str]:
    """Media types, with a version if the name alone means another format."""
    bare = [media.name for media in form.media_types if media.version is None]
    return bare + [
        f"{media.name}; version={media.version}"
        for media in form.media_types
        if media.name not in bare
    ]


@op("close", side_effects=True, read_scope=True)
def close(context: Context, request: Grid) -> Grid:
    """End the login that this request was authenticated by."""
    context.close()
    return Grid()
