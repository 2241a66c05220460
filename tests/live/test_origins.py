"""Pages that may open a websocket with the cookies of their user."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.live.origins import is_foreign


def scope(origin: str, host: str, scheme: str = "ws", **more: str) -> dict[str, Any]:
    headers = {"origin": origin, "host": host, **more}
    return {
        "type": "websocket",
        "scheme": scheme,
        "path": "/ws/",
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1"))
            for name, value in headers.items()
        ],
    }


@pytest.fixture(autouse=True)
def hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["hs.example", "[::1]", "inside"]
    settings.CSRF_TRUSTED_ORIGINS = []


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://hs.example", "hs.example", "ws"),
        ("HTTP://HS.Example", "hs.EXAMPLE", "ws"),
        ("https://hs.example", "hs.example", "wss"),
        # behind a proxy that says nothing of TLS
        ("https://hs.example", "hs.example", "ws"),
        # of a proxy that names the port
        ("https://hs.example", "hs.example:443", "ws"),
        ("http://hs.example", "hs.example:80", "ws"),
        ("http://[::1]:8000", "[::1]:8000", "ws"),
    ],
)
def test_own_pages(origin: str, host: str, scheme: str) -> None:
    assert not is_foreign(scope(origin, host, scheme))


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("null", "hs.example", "ws"),
        ("http://[", "hs.example", "ws"),
        ("http://hs.example:99999", "hs.example", "ws"),
        ("http://evil.example", "hs.example", "ws"),
        ("http://hs.example.evil", "hs.example", "ws"),
        ("http://hs.example@evil.example", "hs.example", "ws"),
        ("http://evil.example@hs.example", "hs.example", "ws"),
        ("http://hs.example:8000", "hs.example", "ws"),
        ("http://hs.example", "hs.example:443", "ws"),
        ("ftp://hs.example", "hs.example", "ws"),
        ("http://hs.example", "hs.example", "wss"),
        # a host that is not ours, as of a name that was made to lead here
        ("http://rebound.example", "rebound.example", "ws"),
        ("http://hs.example", "", "ws"),
    ],
)
def test_foreign_pages(origin: str, host: str, scheme: str) -> None:
    assert is_foreign(scope(origin, host, scheme))


def test_trusted_pages(settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = [
        "https://*.panel.example",
        "https://Other.example:8443",
        "http://[::1]:3000",
    ]
    for origin in (
        "https://a.panel.example",
        "https://other.example:8443",
        "http://[::1]:3000",
    ):
        assert not is_foreign(scope(origin, "hs.example"))
    for origin in (
        "http://a.panel.example",
        "https://panel.example.evil",
        "https://evilpanel.example",
        "http://1:3000",
        "https://other.example",
    ):
        assert is_foreign(scope(origin, "hs.example")), origin


def test_a_proxy_that_changes_the_host(settings: Any) -> None:
    asked = scope("https://hs.example", "inside", x_forwarded_host="hs.example")
    assert is_foreign(asked)
    settings.USE_X_FORWARDED_HOST = True
    assert not is_foreign(asked)
