"""What every answer says to browsers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import logged_in

pytestmark = pytest.mark.django_db
PATHS = [
    "/",
    "/admin/login/",
    "/log-in/",
    "/explore/",
    "/api/about",
    "/api/nonsense",
    "/api/changes",
    "/api/entities/",
    "/api/users/",
    "/api/docs/",
    "/nonsense",
]


@pytest.mark.parametrize("path", PATHS)
def test_headers(path: str) -> None:
    for client in (Client(), logged_in("boss", is_staff=True)):
        answer = client.get(path)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        policy = answer["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "script-src" not in policy


def test_websockets_are_those_of_the_same_host(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["hall.example"]
    answer = Client().get("/", headers={"Host": "hall.example:8443"})
    sources = answer["Content-Security-Policy"].partition("connect-src ")[2]
    assert sources == "'self' ws://hall.example:8443 wss://hall.example:8443"
    for other in ("evil.example", "x; script-src *"):
        answer = Client().get("/", headers={"Host": other})
        assert answer.status_code == 400
        assert "connect-src" not in answer["Content-Security-Policy"]
        assert other not in answer["Content-Security-Policy"]


def test_handshakes_have_them_too() -> None:
    answer = Client().get("/api/about", headers={"Authorization": "HELLO username=YQ"})
    assert answer.status_code == 401
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" in answer


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/explore/",
        "/admin/",
        "/admin/auth/user/",
        "/admin/auth/user/add/",
        "/admin/haystack_app/entity/",
        "/admin/haystack_app/auditentry/",
        "/admin/haystack_app/token/add/",
        "/api/docs/",
    ],
)
def test_no_page_has_inline_scripts(path: str) -> None:
    """The policy would stop it, and the page would be broken."""
    answer = logged_in("boss", is_staff=True, is_superuser=True).get(path)
    assert answer.status_code == 200
    text = answer.content.decode()
    for attributes in re.findall(r"<script([^>]*)>", text):
        assert "src=" in attributes or "application/json" in attributes
    assert not re.search(r"\son[a-z]+=", text)
    assert "javascript:" not in text
