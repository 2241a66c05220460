"""Ops about the server itself: about, ops, formats, close."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings

from .. import __version__, filters
from ..kinds.datetimes import DateTime
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, Symbol, Uri
from ..kinds.timezones import city_of
from ..wire.registry import FORMATS
from .arguments import filter_of, limit_of
from .registry import Context, all_ops, op

__all__: list[str] = []

_BOOT = dt.datetime.now(dt.UTC)
_URI = Uri("https://project-haystack.org/")


@op("about")
def about(context: Context, request: Grid) -> Grid:
    """Who this server is, its version, clock and time zone."""
    tz = city_of(settings.TIME_ZONE)
    name = settings.HAYSTACK.get("SERVER_NAME", "Haystack server")
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
        "whoami": context.username,
    }
    return Grid.of([row | context.storage.about()])


@op("ops")
def ops(context: Context, request: Grid) -> Grid:
    """The ops of this server, optionally narrowed by filter and limit."""
    rows = []
    for entry in all_ops():
        row: dict[str, Any] = {
            "def": Symbol(f"op:{entry.name}"),
            "doc": entry.doc,
            "name": entry.name,
            "op": MARKER,
        }
        if not entry.side_effects:
            row["noSideEffects"] = MARKER
        rows.append(row)
    return _narrowed(rows, request)


@op("formats")
def formats(context: Context, request: Grid) -> Grid:
    """The media types that requests and answers may have."""
    rows = []
    for form in FORMATS:
        for name in dict.fromkeys(media.name for media in form.media_types):
            row: dict[str, Any] = {"mime": name}
            if form.read:
                row["receive"] = MARKER
            if form.write:
                row["send"] = MARKER
            rows.append(row)
    return Grid.of(rows)


@op("close", side_effects=True)
def close(context: Context, request: Grid) -> Grid:
    """End the log-in that this request came with."""
    context.close()
    return Grid()


def _narrowed(rows: list[dict[str, Any]], request: Grid) -> Grid:
    arguments = request.first
    if "filter" in arguments:
        tree = filter_of(arguments["filter"])
        rows = [row for row in rows if filters.matches(tree, row, lambda _: None)]
    limit = limit_of(arguments.get("limit"))
    return Grid.of(rows if limit is None else rows[:limit])
