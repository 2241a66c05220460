"""The application that projects serve: what of it they can choose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from haystack_app.serving import get_asgi_application


async def called(
    app: Any, type: str, path: str, root: str = "", headers: Any = None
) -> list[Any]:
    """What an application sends to one request, or to what opens a websocket."""
    sent: list[Any] = []
    scope = {
        "type": type,
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": root + path,
        "root_path": root,
        "query_string": b"",
        "headers": headers or [(b"host", b"hall.example")],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "asgi": {"version": "3.0"},
    }
    messages = [
        {"type": "websocket.connect" if type == "websocket" else "http.request"}
    ]

    async def receive() -> Any:
        gone = "websocket.disconnect" if type == "websocket" else "http.disconnect"
        return messages.pop() if messages else {"type": gone}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await app(scope, receive, send)
    return sent


async def own(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "websocket.close", "reason": f"own {scope['path']}"})


@pytest.mark.django_db(transaction=True)
async def test_health_is_answered_unless_the_project_does_it() -> None:
    for root in ("", "/mounted"):
        start, body = await called(get_asgi_application(), "http", "/healthz", root)
        assert start["status"] == 200
        assert json.loads(body["body"]) == {"status": "ok"}


async def test_websockets_of_the_project() -> None:
    app = get_asgi_application(websocket=own)
    for path in ("/", "/chat/", "/ws/a/b/", "/api/about"):
        [message] = await called(app, "websocket", path)
        assert message["reason"] == f"own {path}"
    for path in ("/ws", "/ws/", "/ws/memory", "/ws/memory/"):
        for root in ("", "/mounted"):
            first, *_ = await called(app, "websocket", path, root)
            assert first["type"] == "websocket.accept"


async def test_other_websockets_are_refused() -> None:
    app = get_asgi_application()
    assert await called(app, "websocket", "/chat/") == [{"type": "websocket.close"}]
