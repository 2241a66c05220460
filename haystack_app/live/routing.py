"""``/ws/`` and ``/ws/{project}/``, with the last slash or without it."""

from __future__ import annotations

from typing import Any, cast

from django.urls import re_path

from .connection import live_app

__all__ = ["websocket_urls"]


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Of other paths: the upgrade is refused."""
    await receive()
    await send({"type": "websocket.close"})


websocket_urls = [
    re_path(r"^ws(?:/(?P<project>[^/]+))?/?$", cast(Any, live_app)),
    re_path(r"", cast(Any, nowhere)),
]
