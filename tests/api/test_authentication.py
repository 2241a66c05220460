"""Authentication: HTTP Basic, sessions, staff."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.test import Client

from haystack_app.storage.handler import storages
from tests.api.conftest import Api, basic, grid_of, logged_in, user

pytestmark = pytest.mark.django_db
EMPTY = b'ver:"3.0"\nempty\n'


def about(client: Client, **headers: Any) -> Any:
    return client.get("/api/about", headers=headers)


@pytest.mark.parametrize(
    "path", ["about", "read", "hisWrite", "load", "sys/about", "x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_nothing_without_credentials(path: str, method: str) -> None:
    response = Client().generic(method, f"/api/{path}", EMPTY, "text/zinc")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "scram hash=SHA-256"
    assert response.json()["status"] == 401


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWxpY2U=",
        "Basic YWxpY2U6d3Jvbmc=",
        "Basic OmE=",
        "Basic YQBiOmMAZA==",
        "Basic /////w==",
        "Basic YWxpY2U6 d3Jvbmc=",
        "Bearer abc",
        "Nonsense",
        "Basic " + "A" * 100_000,
    ],
)
def test_bad_credentials(header: str) -> None:
    user("alice")
    response = about(Client(), Authorization=header)
    assert response.status_code == 401
    assert "WWW-Authenticate" in response


def test_basic() -> None:
    user("alice")
    user("bob", is_active=False)
    [row] = grid_of(about(Client(), **basic("alice")))
    assert row["whoami"] == "alice"
    assert about(Client(), **basic("alice", "wrong")).status_code == 401
    assert about(Client(), **basic("bob")).status_code == 401
    assert about(Client(), **basic("missing")).status_code == 401
    response = Client().post(
        "/api/about", EMPTY, content_type="text/zinc", headers=basic("alice")
    )
    assert response.status_code == 200


def test_one_hash_for_several_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = User.check_password

    def counted(self: Any, raw: str) -> bool:
        calls.append(raw)
        return original(self, raw)

    monkeypatch.setattr(User, "check_password", counted)
    user("alice")
    for _ in range(5):
        assert about(Client(), **basic("alice")).status_code == 200
    assert len(calls) == 1
    for _ in range(3):
        assert about(Client(), **basic("alice", "wrong")).status_code == 401
    assert len(calls) == 4


@pytest.mark.parametrize("change", ["password", "is_active", "delete", "unusable"])
def test_changes_of_the_user_take_effect_at_once(change: str) -> None:
    alice = user("alice")
    for _ in range(2):
        assert about(Client(), **basic("alice")).status_code == 200
    if change == "password":
        alice.set_password("new")
        alice.save()
    elif change == "unusable":
        alice.set_unusable_password()
        alice.save()
    elif change == "is_active":
        get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    else:
        alice.delete()
    assert about(Client(), **basic("alice")).status_code == 401
    if change == "password":
        assert about(Client(), **basic("alice", "new")).status_code == 200


def test_a_new_user_of_an_old_name_needs_its_own_password() -> None:
    user("alice").delete()
    user("alice")
    assert about(Client(), **basic("alice")).status_code == 200
    get_user_model().objects.all().delete()
    get_user_model().objects.create_user("alice", password="other")
    assert about(Client(), **basic("alice")).status_code == 401


def test_a_colon_does_not_mix_name_and_password() -> None:
    get_user_model().objects.create_user("a", password="b:c")
    assert about(Client(), **basic("a", "b:c")).status_code == 200
    assert about(Client(), **basic("a:b", "c")).status_code in (200, 401)
    get_user_model().objects.create_user("a:b", password="d")
    assert about(Client(), **basic("a", "b:c")).status_code == 200


def test_sessions_need_the_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user("alice"))
    assert about(client).status_code == 200
    token = "a" * 32
    client.cookies["csrftoken"] = token
    for headers, status in (({}, 403), ({"X-CSRFToken": "b" * 32}, 403)):
        response = client.post(
            "/api/about", EMPTY, content_type="text/zinc", headers=headers
        )
        assert response.status_code == status
        assert "CSRF" in response.json()["dis"]
    response = client.post(
        "/api/about", EMPTY, content_type="text/zinc", headers={"X-CSRFToken": token}
    )
    assert response.status_code == 200
    response = client.post(
        "/api/hisWrite", {"csrfmiddlewaretoken": token}
    )  # a form of another site
    assert response.status_code in (403, 415)


def test_basic_needs_no_csrf_token() -> None:
    user("alice")
    client = Client(enforce_csrf_checks=True)
    response = client.post(
        "/api/about", EMPTY, content_type="text/zinc", headers=basic("alice")
    )
    assert response.status_code == 200


def test_close_ends_this_session_only() -> None:
    alice = user("alice")
    one, two = Client(), Client()
    for client in (one, two):
        client.force_login(alice)
        assert about(client).status_code == 200
    assert one.get("/api/close").status_code == 405
    assert about(one).status_code == 200
    response = one.post("/api/close", EMPTY, content_type="text/zinc")
    assert response.content == b'ver:"3.0"\nempty\n\n'
    assert about(one).status_code == 401
    assert about(two).status_code == 200


def test_close_with_basic() -> None:
    user("alice")
    response = Client().post(
        "/api/close", EMPTY, content_type="text/zinc", headers=basic("alice")
    )
    assert response.status_code == 200


def test_load_is_for_staff() -> None:
    body = b'ver:"3.0"\nid\n@new\n'
    for flags, status in (({}, 403), ({"is_staff": True}, 200)):
        client = logged_in(f"user{len(flags)}", **flags)
        response = Api(client).post("load", body)
        assert response.status_code == status
        stored = storages["default"].read_by_ids(["new"]) != [None]
        assert stored == (status == 200)
    assert Client().post("/api/load", body, content_type="text/zinc").status_code == 401
    assert Api(logged_in("root", is_staff=True)).get("load").status_code == 405
