"""Answers about this process itself, which need none of its threads.

While a database is down its requests keep every thread waiting; whoever asks
whether the process lives must not wait behind them.
"""

from __future__ import annotations

import json
from typing import Any

from haystack_app.outages import RETRY_SECONDS
from haystack_app.serving.bodies import App, Receive, Scope, Send
from haystack_app.serving.health import PATHS, Health

__all__ = ["HealthLayer"]


class HealthLayer:
    def __init__(self, app: App) -> None:
        self.app = app
        self.health = Health()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in PATHS:
            await self.app(scope, receive, send)
            return
        await answer(send, *await self.health.aanswer(scope["path"]))


async def answer(send: Send, status: int, report: dict[str, Any]) -> None:
    body = json.dumps(report).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-cache, no-store"),
        (b"content-length", str(len(body)).encode()),
    ]
    if status != 200:
        headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
