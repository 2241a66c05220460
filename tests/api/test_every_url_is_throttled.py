"""Passwords cannot be guessed at any URL: wrong ones are counted in the same way."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache
from django.test import Client
from rest_framework.exceptions import AuthenticationFailed, Throttled

from haystack_app.auth import throttle
from haystack_app.live.login import log_in
from tests.api.conftest import PASSWORD, basic, user
from tests.urls import every_path

pytestmark = pytest.mark.django_db
LIMIT = 3
TURNS = 6
METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"]
FORMS = ["/admin/login/", "/log-in/"]


@pytest.fixture(autouse=True)
def rates(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # a count that starts anew in the middle lets one more password through
    monkeypatch.setattr(throttle, "_window", lambda: 1)
    wide = {"USER": 10_000, "ADDRESS": 10_000, "LOG_IN_ADDRESS": 10_000}
    settings.HAYSTACK = {
        **settings.HAYSTACK,
        "THROTTLE": {**wide, "LOG_IN_USER": LIMIT},
    }
    user("alice", is_staff=True, is_superuser=True)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were compared with a stored one, in any way."""
    found: list[str] = []
    check = AbstractBaseUser.check_password

    def counted(self: Any, password: str) -> bool:
        found.append(password)
        return bool(check(self, password))

    monkeypatch.setattr(AbstractBaseUser, "check_password", counted)
    return found


def test_http_basic(checked: list[str]) -> None:
    """Each URL verifies a few passwords at most, or none."""
    client, verifying = Client(raise_request_exception=False), set()
    for path in every_path():
        for method in METHODS:
            cache.clear()
            checked.clear()
            answers = []
            for turn in range(TURNS):
                headers = basic("alice", f"wrong{turn}")
                answers.append(client.generic(method, path, headers=headers))
                if not checked:  # nor is another one then
                    break
            assert len(checked) in (0, LIMIT), (method, path)
            last = client.generic(method, path, headers=basic("alice"))
            assert PASSWORD not in checked, (method, path)
            if not checked:
                continue
            verifying.add(path)
            statuses = [it.status_code for it in [*answers, last]]
            assert statuses == [401] * LIMIT + [429] * (TURNS - LIMIT + 1), path
            assert all(int(it["Retry-After"]) <= 60 for it in answers[LIMIT:])
    assert verifying == {path for path in every_path() if path.startswith("/api/")}


def filled(password: str) -> dict[str, str]:
    fields = ("password", "old_password", "password1", "new_password1")
    return dict.fromkeys(fields, password) | {"username": "alice"}


def test_forms(checked: list[str]) -> None:
    """Fields of any name that a form of ours or of Django's may have."""
    client, verifying = Client(raise_request_exception=False), set()
    for path in every_path():
        cache.clear()
        checked.clear()

        for turn in range(TURNS):
            client.post(path, filled(f"wrong{turn}"))
        assert len(checked) in (0, LIMIT), path
        client.post(path, filled(PASSWORD))
        assert PASSWORD not in checked, path
        if checked:
            verifying.add(path)
    assert verifying == {*FORMS}


def test_the_old_password_of_a_session(checked: list[str]) -> None:
    """A session that was left open is not enough to guess the password."""
    client = Client()
    assert client.login(username="alice", password=PASSWORD)
    cache.clear()
    checked.clear()
    new = {"new_password1": "another horse", "new_password2": "another horse"}
    for turn in range(TURNS):
        form = {"old_password": f"wrong{turn}", **new}
        answer = client.post("/admin/password_change/", form)
        assert answer.status_code == 200
    assert len(checked) == LIMIT
    assert "Too many attempts" in answer.content.decode()
    cache.clear()
    answer = client.post("/admin/password_change/", {"old_password": PASSWORD, **new})
    assert answer.status_code == 302


def test_websockets(checked: list[str]) -> None:
    def attempt(password: str) -> type[Exception]:
        scope = {
            "type": "websocket",
            "path": "/ws/",
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "headers": [
                (b"authorization", basic("alice", password).popitem()[1].encode())
            ],
        }
        with pytest.raises((AuthenticationFailed, Throttled)) as refused:
            log_in(scope)
        return refused.type

    found = [attempt(f"wrong{turn}") for turn in range(TURNS)]
    assert found == [AuthenticationFailed] * LIMIT + [Throttled] * (TURNS - LIMIT)
    assert attempt(PASSWORD) is Throttled
    assert len(checked) == LIMIT
