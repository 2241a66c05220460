"""The audit log: users and actions, without secrets, of limited size."""

from __future__ import annotations

import logging
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import DatabaseError
from django.test import Client

from haystack_app.auth import audit, tokens
from haystack_app.models import AuditEntry, GroupScope, Token
from tests.api.conftest import basic
from tests.auth.handshaking import PASSWORD, Handshake, bearer

pytestmark = pytest.mark.django_db
STRONG = "a long enough phrase"


@pytest.fixture(autouse=True)
def _empty(db: None) -> None:
    AuditEntry.objects.all().delete()


def notes() -> list[tuple[str, str, str]]:
    """Event, who and detail of the entries since the last call."""
    found = [(it.event, it.who, it.detail) for it in AuditEntry.objects.order_by("pk")]
    AuditEntry.objects.all().delete()
    return found


def events() -> list[str]:
    return [event for event, _, _ in notes()]


# -- logins ---------------------------------------------------------------------


def test_failures(alice: User) -> None:
    notes()
    client = Client(REMOTE_ADDR="10.1.2.3")
    wrong = "wrong password or no such user"
    client.get("/api/about", headers=basic("alice", "guess"))
    client.post("/admin/login/", {"username": "bob", "password": "guess"})
    handshake = Handshake(client, "carol", "guess")
    handshake.hello()
    handshake.first()
    handshake.final()
    assert {it.address for it in AuditEntry.objects.all()} == {"10.1.2.3"}
    assert notes() == [
        ("log-in failed", "'alice'", wrong),
        ("log-in failed", "'bob'", wrong),
        ("log-in failed", "'carol'", "wrong password"),
    ]


def test_names_are_quoted() -> None:
    name = "a\nb\0\x1b[2J\u202e" + "x" * 10_000
    Client().post("/admin/login/", {"username": name[:200], "password": "x"})
    Client().get("/api/about", headers=basic("a\x1bb" + "y" * 5_000, "x"))
    found = [it.who for it in AuditEntry.objects.all()]
    assert len(found) >= 1
    for who in found:
        assert who.isprintable()
        assert len(who) < 1_000


def test_successful_logins_are_not_logged(alice: User) -> None:
    notes()
    token = Handshake(Client(), "alice").run()
    Client().get("/api/about", headers=bearer(token))
    Client().get("/api/about", headers=basic("alice"))
    Client().force_login(alice)
    assert notes() == []


def test_repeated_failures_are_one_entry(alice: User) -> None:
    notes()
    with time_machine.travel("2026-11-01T12:00:00Z", tick=False) as clock:
        for _ in range(5):
            Client().get("/api/about", headers=basic("alice", "guess"))
        Client().get("/api/about", headers=basic("bob", "guess"))
        clock.shift(61)
        Client().get("/api/about", headers=basic("alice", "guess"))
    found = AuditEntry.objects.order_by("pk").values_list("who", "times")
    assert list(found) == [("'alice'", 5), ("'bob'", 1), ("'alice'", 1)]


def test_failures_are_pruned_and_changes_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit, "KEPT_FAILURES", 10)
    User.objects.create_user("bob")
    for number in range(50):
        audit.log_failure(AuditEntry.LOGIN_FAILED, f"u{number}", "10.0.0.1", "no")
    found = AuditEntry.objects.order_by("pk")
    assert [it.event for it in found][:2] == ["user created", "log-in failed"]
    assert [it.who for it in found][1:] == [f"u{number}" for number in range(40, 50)]


def test_request_is_answered_if_the_log_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def locked(*_: Any, **__: Any) -> Any:
        raise DatabaseError("locked")

    monkeypatch.setattr(AuditEntry.objects, "create", locked)
    answer = Client().get("/api/about", headers=basic("alice", "guess"))
    assert answer.status_code == 401


# -- users ------------------------------------------------------------------------


def test_users_by_commands() -> None:
    bob = User.objects.create_user("bob", password=STRONG, is_staff=True)
    assert notes() == [("user created", "", "user 'bob', is_staff")]
    bob.email, bob.is_superuser = "b@example.org", True
    bob.set_password(STRONG + "!")
    bob.save()
    assert notes() == [
        ("user changed", "", "user 'bob': email, is_superuser True, password")
    ]
    bob.is_active = False
    bob.save(update_fields=["is_active"])
    assert notes() == [("user disabled", "", "user 'bob'")]
    bob.is_active, bob.username = True, "rob"
    bob.save()
    assert notes() == [
        ("user enabled", "", "user 'rob'"),
        ("user changed", "", "user 'rob': username, was 'bob'"),
    ]
    bob.save()
    assert notes() == []
    bob.delete()
    assert notes() == [("user deleted", "", "user 'rob'")]


def test_upgraded_hash_is_not_a_change(alice: User, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "SCRAM_ITERATIONS": 5_000}
    notes()
    before = alice.password
    Client().get("/api/about", headers=basic("alice"))
    alice.refresh_from_db()
    assert alice.password != before
    assert notes() == []


def test_groups_and_permissions() -> None:
    bob = User.objects.create_user("bob")
    group = Group.objects.create(name="night")
    right = Permission.objects.get(codename="view_session")
    notes()
    bob.groups.add(group)
    group.user_set.remove(bob)
    bob.groups.set([group])
    bob.groups.clear()
    bob.user_permissions.add(right)
    group.permissions.add(right)
    scope = GroupScope.objects.create(group=group, filter="id == @north")
    scope.delete()
    group.name = "day"
    group.save()
    group.delete()
    assert notes() == [
        ("groups changed", "", "user 'bob': added 'night' groups"),
        ("groups changed", "", "group 'night': removed 'bob' users"),
        ("groups changed", "", "user 'bob': added 'night' groups"),
        ("groups changed", "", "user 'bob': removed all groups"),
        (
            "permissions changed",
            "",
            "user 'bob': added 'view_session' permissions",
        ),
        (
            "permissions changed",
            "",
            "group 'night': added 'view_session' permissions",
        ),
        ("permissions changed", "", "group 'night': sees 'id == @north'"),
        ("permissions changed", "", "group 'night': sees everything"),
        ("group changed", "", "group 'day', was 'night'"),
        ("group deleted", "", "group 'day'"),
    ]


def test_actor_of_rest_requests(alice: User) -> None:
    alice.is_superuser = True
    alice.save()
    notes()
    body = {"username": "bob", "password": STRONG, "groups": ["viewer"]}
    client = Client(REMOTE_ADDR="10.9.9.9")
    options: dict[str, Any] = {
        "content_type": "application/json",
        "headers": basic("alice"),
    }
    made = client.post("/api/users/", body, **options)
    assert made.status_code == 201
    assert set(AuditEntry.objects.values_list("address", flat=True)) == {"10.9.9.9"}
    assert notes() == [
        ("user created", "alice", "user 'bob'"),
        ("groups changed", "alice", "user 'bob': added 'viewer' groups"),
    ]
    path = made["Location"]
    client.patch(path, {"active": False, "password": STRONG + "!"}, **options)
    client.delete(path, **options)
    assert notes() == [
        ("user disabled", "alice", "user 'bob'"),
        ("user changed", "alice", "user 'bob': password"),
        ("user deleted", "alice", "user 'bob'"),
    ]
    client.patch(path, {"active": False}, **options)
    assert notes() == []


def test_refused_changes_are_not_logged(alice: User) -> None:
    """An entry is rolled back with the transaction of the change."""
    alice.groups.add(Group.objects.get(name="admin"))
    root = User.objects.create_superuser("root")
    more = Group.objects.create(name="more")
    more.permissions.add(Permission.objects.get(codename="delete_session"))
    notes()
    bob = User.objects.create_user("bob")
    notes()
    for pk, body in ((root.pk, {"active": False}), (bob.pk, {"groups": ["more"]})):
        answer = Client().patch(
            f"/api/users/{pk}/",
            body,
            content_type="application/json",
            headers=basic("alice"),
        )
        assert answer.status_code == 403
    assert notes() == []


def test_actor_of_the_admin(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=alice.pk))
    notes()
    form = {"username": "bob", "password1": STRONG, "password2": STRONG}
    client.post("/admin/auth/user/add/", {**form, "usable_password": "true"})
    assert notes() == [("user created", "alice", "user 'bob'")]


def test_tokens(alice: User) -> None:
    notes()
    out = StringIO()
    call_command("haystack_token", "create", "alice", "grafana", stdout=out, stderr=out)
    call_command("haystack_token", "revoke", "alice", "grafana", stdout=out)
    made = "token 'grafana' (read) of user 'alice'"
    assert notes() == [("token created", "", made), ("token revoked", "", made)]
    Client().get("/api/about", headers=bearer(Handshake(Client(), "alice").run()))
    Token.objects.all().delete()
    assert notes() == []  # logins are not logged
    token = Token(user=alice, name="t", scope="write")
    tokens.create_secret(token)
    token.save()
    alice.set_password("another phrase")
    alice.save()
    assert sorted(events()) == ["token created", "token revoked", "user changed"]


# -- secrets ----------------------------------------------------------------------


def test_no_secret_in_any_log(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    """Successful and failed logins and logouts, by all methods."""
    caplog.set_level(logging.DEBUG)
    guess = "a secret guess"
    handshake = Handshake(Client(), "alice")
    token = handshake.run()
    wrong = Handshake(Client(), "alice", guess)
    wrong.hello()
    wrong.first()
    wrong.final()
    for headers in (bearer(token), bearer(token + "0"), basic("alice")):
        Client().get("/api/about", headers=headers)
    Client().get("/api/about", headers=basic("alice", guess))
    Client().get("/api/about", headers={"Authorization": f"SCRAM data={guess}"})
    form = {"username": "alice", "password": guess}
    Client().post("/admin/login/", form)
    Client().post("/api/close", b"", "text/zinc", headers=bearer(token))
    hashes = User.objects.get(pk=alice.pk).password.split("$")[2:]
    logged = caplog.text + repr(list(AuditEntry.objects.values_list()))
    assert "alice" in logged
    for secret in (PASSWORD, guess, token, handshake.nonce, *hashes):
        assert secret not in logged


# -- the admin's list --------------------------------------------------------------


def test_the_admin_list_is_read_only(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_superuser=True, is_staff=True)
    audit.log_failure(AuditEntry.LOGIN_FAILED, "'<b>eve</b>'", "10.0.0.1", "no")
    entry = AuditEntry.objects.latest("pk")
    client = Client()
    client.force_login(User.objects.get(pk=alice.pk))
    path = "/admin/haystack_app/auditentry/"
    shown = client.get(path, {"q": "eve"})
    assert b"&lt;b&gt;eve" in shown.content
    assert client.get(f"{path}{entry.pk}/change/").status_code == 200
    for refused in ("add/", f"{entry.pk}/delete/"):
        assert client.post(f"{path}{refused}", {"post": "yes"}).status_code == 403
    assert client.post(f"{path}{entry.pk}/change/", {}).status_code == 403
    assert AuditEntry.objects.filter(pk=entry.pk).exists()
