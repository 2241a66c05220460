"""Routes websockets by the paths at which ``haystack_app.urls`` is included."""

from __future__ import annotations

from typing import Any

from django.urls import Resolver404, ResolverMatch, resolve

from ..views import websocket
from .connection import live_app
from .events_app import App

__all__ = ["refuse", "websocket_app"]


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Close before the upgrade is accepted: status 403."""
    await receive()
    await send({"type": "websocket.close"})


def websocket_app(other: App) -> App:
    """An ASGI application for websockets; ``other`` serves all other paths."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        match = _match(scope)
        if match is None:
            await other(scope, receive, send)
            return
        route = {"args": match.args, "kwargs": match.kwargs}
        await live_app({**scope, "url_route": route}, receive, send)

    return call


def _match(scope: Any) -> ResolverMatch | None:
    try:
        match = resolve(scope["path"].removeprefix(scope.get("root_path", "")))
    except Resolver404:
        return None
    return match if match.func is websocket else None
