"""What a process remembers of a login: for a second, and nothing that it changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client

from haystack_app.auth import logins, tokens
from haystack_app.models import GroupScope, Token
from haystack_app.storage.handler import storages
from tests.api.conftest import basic, fill, user

pytestmark = pytest.mark.django_db

READ = "/api/read?filter=site"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    logins.forget()
    yield
    logins.forget()


@pytest.fixture
def alice() -> Any:
    fill(storages["default"])
    return user("alice", "viewer")


def bearer(owner: Any, scope: str = Token.READ) -> dict[str, str]:
    token = Token(user=owner, name="t", scope=scope)
    secret = tokens.create_secret(token)
    token.save()
    return {"Authorization": f"Bearer {secret}"}


def status(headers: dict[str, str], path: str = READ) -> int:
    code: int = Client().get(path, headers=headers).status_code
    return code


def rows(headers: dict[str, str]) -> int:
    answer = Client().get(READ, headers={**headers, "Accept": "application/json"})
    return len(answer.json()["rows"])


def session(owner: Any) -> dict[str, str]:
    client = Client()
    client.force_login(owner)
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


@pytest.fixture(params=["token", "basic", "session"])
def headers(request: pytest.FixtureRequest, alice: Any) -> dict[str, str]:
    """Credentials that have just been used."""
    logins_by = {
        "token": lambda: bearer(alice),
        "basic": lambda: basic("alice"),
        "session": lambda: session(alice),
    }
    found = logins_by[request.param]()
    for _ in range(2):  # Basic is remembered from its second request on
        assert status(found) == 200
    return found


# -- remembering --------------------------------------------------------------


def test_no_statement_finds_the_caller_again(
    headers: dict[str, str], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert status(headers, "/api/about") == 200


def test_what_others_change_counts_after_a_second(
    headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = connection.connection.cursor()  # this process does not see its statements
    other.execute("UPDATE auth_user SET is_active = false")
    assert status(headers) == 200
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + logins.SECONDS)
    assert status(headers) == 401


def test_wrong_credentials_are_not_remembered(alice: Any) -> None:
    assert status(basic("alice", "wrong")) == 401
    assert status({"Authorization": "Bearer 00"}) == 401
    assert status(basic("alice")) == 200


# -- what this process changes ------------------------------------------------


def disable() -> None:
    alice = get_user_model().objects.get(username="alice")
    alice.is_active = False
    alice.save()


def disable_by_update() -> None:
    get_user_model().objects.filter(username="alice").update(is_active=False)


def change_password() -> None:
    alice = get_user_model().objects.get(username="alice")
    alice.set_password("another long password")
    alice.save()


def delete() -> None:
    get_user_model().objects.get(username="alice").delete()


def leave_the_group() -> None:
    get_user_model().objects.get(username="alice").groups.clear()


def take_the_permission() -> None:
    group = Group.objects.get(name="viewer")
    group.permissions.remove(Permission.objects.get(codename="view_entity"))


def delete_the_group() -> None:
    Group.objects.get(name="viewer").delete()


CHANGES = {
    disable: 401,
    disable_by_update: 401,
    change_password: 401,
    delete: 401,
    leave_the_group: 403,
    take_the_permission: 403,
    delete_the_group: 403,
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.items())
def test_the_next_request_is_refused(
    headers: dict[str, str], change: Callable[[], None], expected: int
) -> None:
    change()
    assert status(headers) == expected


def test_a_revoked_token(alice: Any) -> None:
    headers = bearer(alice)
    assert status(headers) == 200
    Token.objects.all().delete()
    assert status(headers) == 401


def test_a_login_that_is_closed(alice: Any) -> None:
    headers = {"Authorization": f"Bearer {tokens.issue(alice)}"}
    assert status(headers) == 200
    Client().post("/api/close", b'ver:"3.0"\nempty\n', "text/zinc", headers=headers)
    assert status(headers) == 401


def test_a_session_that_is_logged_out(alice: Any) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get(READ).status_code == 200
    kept = client.cookies["sessionid"].value
    assert client.post("/log-out/").status_code == 302
    assert status({"Cookie": f"sessionid={kept}"}) == 401


def test_a_session_that_is_deleted(alice: Any) -> None:
    headers = session(alice)
    assert status(headers) == 200
    Session.objects.all().delete()
    assert status(headers) == 401


def test_a_session_writes_with_a_csrf_token_only(alice: Any) -> None:
    headers = session(alice)
    for _ in range(2):
        client = Client(enforce_csrf_checks=True)
        answer = client.post(
            "/api/read", b'ver:"3.0"\nfilter\n"site"\n', "text/zinc", headers=headers
        )
        assert answer.status_code == 403


def test_a_filter_of_a_group(headers: dict[str, str]) -> None:
    assert rows(headers) == 2
    scope = GroupScope.objects.create(
        group=Group.objects.get(name="viewer"), filter="id == @s1"
    )
    assert rows(headers) == 1
    scope.filter = "id == @nothing"
    scope.save()
    assert rows(headers) == 0
    scope.delete()
    assert rows(headers) == 2


def test_a_token_that_expires(alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = bearer(alice)
    assert status(headers) == 200
    later = tokens.timezone.now() + tokens.dt.timedelta(hours=1)
    Token.objects.update(expires=later)
    logins.forget()
    assert status(headers) == 200
    monkeypatch.setattr(tokens.timezone, "now", lambda: later)
    assert status(headers) == 401


def test_what_is_read_during_a_change_is_not_remembered() -> None:
    memory: logins._Memory[str] = logins._Memory()

    def find() -> str:
        memory.clear()  # another thread's change, not visible to this statement
        return "old"

    assert memory.get("k", find) == "old"
    assert memory.get("k", lambda: "new") == "new"
    assert memory.get("k", lambda: "newer") == "new"


@pytest.mark.django_db(transaction=True)
def test_a_change_counts_when_it_is_committed(alice: Any) -> None:
    """A request that reads before the commit must not be believed after it."""
    headers = bearer(alice)
    seen: list[int] = []

    def ask() -> None:
        seen.append(status(headers))

    with transaction.atomic():
        leave_the_group()
        logins._tokens._entries.clear()
        other = threading.Thread(target=ask)
        other.start()
        other.join()
    assert seen == [200]
    assert status(headers) == 403


def test_requests_do_not_share_a_user(alice: Any) -> None:
    secret = bearer(alice)["Authorization"].removeprefix("Bearer ")
    one, two = (tokens.get_remembered(secret) for _ in range(2))
    assert one is not None
    assert two is not None
    one.user.username = "changed"
    assert two.user.username == "alice"
