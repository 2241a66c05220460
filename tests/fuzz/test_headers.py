"""No header is an internal error, of any URL.

    FUZZ_SECONDS=600 pytest tests/fuzz      as long as that

Without the variable each URL gets 300 damaged headers, the same each time.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any

import pytest
from django.test import Client

from haystack_app.client_headers import TolerantRequest
from haystack_app.storage.handler import storages
from tests.api.conftest import fill, user
from tests.urls import every_path

from .headers import damaged_headers

SECONDS = float(os.environ.get("FUZZ_SECONDS") or 0)
HEADERS = 300
AT_ONCE = 6
METHODS = ["GET", "POST", "OPTIONS", "HEAD", "PATCH", "PUT", "DELETE", "TRACE"]
EXPECTED = {501, 503}
"""Statuses above 499 that are meant: unknown methods, events over WSGI."""
BODY = (
    b"--x\r\nContent-Disposition: form-data; name=a; x*0=a; x*=b\r\n\r\n1\r\n--x--\r\n"
)


@pytest.fixture
def root(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """A superuser, and the requests of our WSGI handler."""
    monkeypatch.setattr("django.test.client.WSGIRequest", TolerantRequest)
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": None}
    fill(storages["default"])
    return user("root", is_superuser=True, is_staff=True)


def clients_of(root: Any) -> list[Client]:
    """Logged in and not, each with and without the check of CSRF."""
    found = [
        Client(enforce_csrf_checks=strict, raise_request_exception=False)
        for strict in (True, False, True, False)
    ]
    for client in found[2:]:
        client.force_login(root)
    return found


def ask(client: Client, method: str, path: str, headers: list[tuple[str, str]]) -> Any:
    names = {name: name.upper().replace("-", "_") for name, _ in headers}
    environ = {
        name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}": value
        for name, value in ((names[name], value) for name, value in headers)
    }
    return client.generic(method, f"{path}?a=1&filter=site", BODY, **environ)


def check_all(root: Any, seed: str, number: int) -> None:
    headers = damaged_headers(number, seed)
    parts = [headers[at : at + AT_ONCE] for at in range(0, number, AT_ONCE)]
    draw = random.Random(seed)
    for path in every_path():
        clients = clients_of(root)
        for part in parts:
            method = draw.choice(METHODS)
            response = ask(draw.choice(clients), method, path, part)
            status = response.status_code
            assert status < 500 or status in EXPECTED, (status, method, path, part)


def test_every_url_has_options(root: Any) -> None:
    for path in every_path():
        for client in clients_of(root):
            assert client.options(path).status_code < 500, path
            assert client.options(path, headers={"Accept": "x"}).status_code < 500, path


def test_damaged_headers(root: Any) -> None:
    check_all(root, "ci", HEADERS)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        check_all(root, str(time.time()), AT_ONCE * len(METHODS))
