"""Bearer tokens: hashed, leased, and gone with the password."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from haystack_app.auth import tokens
from haystack_app.models import Token
from tests.auth.handshaking import PASSWORD

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def named(user: User, scope: str = Token.READ, **fields: Any) -> str:
    token = Token(user=user, name=f"for {scope}", scope=scope, **fields)
    secret = tokens.seal(token)
    token.save()
    return secret


def test_only_the_hash_is_stored(alice: User) -> None:
    secret = tokens.issue(alice)
    [row] = Token.objects.values()
    assert row["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(row)
    found = tokens.find(secret)
    assert found is not None and found.user == alice
    for wrong in ("", secret[:-1], secret.upper(), row["digest"], "\ud800", "é"):
        assert tokens.find(wrong) is None


def test_several_at_once(alice: User) -> None:
    one, two = tokens.issue(alice), tokens.issue(alice)
    token = tokens.find(one)
    assert token is not None
    tokens.end(token)
    assert tokens.find(one) is None
    assert tokens.find(two) is not None


def test_use_prolongs_a_log_in(alice: User, scram: Any) -> None:
    scram.HAYSTACK = {**scram.HAYSTACK, "TOKEN_HOURS": 3}
    with time_machine.travel(NOW, tick=False) as clock:
        secret = tokens.issue(alice)
        idle = tokens.issue(alice)
        for _ in range(5):
            clock.shift(2 * 3600)
            assert tokens.find(secret) is not None
        assert tokens.find(idle) is None
        clock.shift(3 * 3600 + 1)
        assert tokens.find(secret) is None
        tokens.issue(alice)
        assert Token.objects.count() == 1  # what has expired is swept


def test_an_api_token_is_not_prolonged(alice: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        short = named(alice, Token.READ, expires=NOW + dt.timedelta(days=1))
        long = named(alice, Token.WRITE)
        clock.shift(23 * 3600)
        assert tokens.find(short) and tokens.find(long)
        clock.shift(3601)
        assert tokens.find(short) is None
        clock.shift(10 * 365 * 86_400)
        assert tokens.find(long) is not None
        assert Token.objects.get(scope=Token.WRITE).used == dt.datetime.now(dt.UTC)


def test_a_request_is_not_a_write(alice: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        secret = tokens.issue(alice)
        for seconds, statements in ((1, 1), (50, 1), (10, 2), (1, 1), (58, 1), (3, 2)):
            clock.shift(seconds)
            with CaptureQueriesContext(connection) as sql:
                assert tokens.find(secret) is not None
            assert len(sql) == statements


def test_a_locked_database_refuses_no_request(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("database is locked")

    with time_machine.travel(NOW, tick=False) as clock:
        secret = tokens.issue(alice)
        clock.shift(100)
        monkeypatch.setattr(type(Token.objects.all()), "update", locked)
        assert tokens.find(secret) is not None


@pytest.mark.parametrize(
    "change", ["set_password", "queryset", "unusable", "disabled", "update", "deleted"]
)
def test_all_end_with_the_password_and_the_user(alice: User, change: str) -> None:
    bob = User.objects.create_user("bob", password=PASSWORD)
    secrets = [tokens.issue(alice), named(alice), named(alice, Token.ADMIN)]
    others = tokens.issue(bob)
    if change == "set_password":
        alice.set_password("new")
        alice.save()
    elif change == "queryset":
        alice.set_password(PASSWORD)  # the same one, newly salted
        User.objects.filter(pk=alice.pk).update(password=alice.password)
    elif change == "unusable":
        alice.set_unusable_password()
        alice.save(update_fields=["password"])
    elif change == "disabled":
        alice.is_active = False
        alice.save()
    elif change == "update":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    else:
        alice.delete()
    for secret in secrets:
        assert tokens.find(secret) is None
    User.objects.filter(username="alice").update(is_active=True)
    for secret in secrets:  # for good
        assert tokens.find(secret) is None
    assert Token.objects.count() == 1
    assert tokens.find(others) is not None


def test_other_changes_end_nothing(alice: User) -> None:
    secret = tokens.issue(alice)
    alice.first_name, alice.is_staff = "Al", True
    alice.save()
    alice.save(update_fields=["last_login"])
    assert tokens.find(secret) is not None


def test_a_renewed_hash_is_no_new_password(alice: User, scram: Any) -> None:
    secret = tokens.issue(alice)
    dead = tokens.issue(alice)
    Token.objects.filter(digest=hashlib.sha256(dead.encode()).hexdigest()).update(
        proof="of another password"
    )
    scram.HAYSTACK = {**scram.HAYSTACK, "SCRAM_ITERATIONS": 5_000}
    before = alice.password
    assert authenticate(username="alice", password=PASSWORD) == alice
    assert User.objects.get().password != before
    assert tokens.find(secret) is not None
    assert tokens.find(dead) is None


def test_a_hash_put_in_by_hand_is_one(alice: User) -> None:
    from django.contrib.auth.hashers import make_password

    secret = tokens.issue(alice)
    user = User.objects.get()
    user.password = make_password("new")
    user.save(update_fields=["password"])
    assert tokens.find(secret) is None


def test_a_new_secret_key_beside_the_old_one(alice: User, scram: Any) -> None:
    secret = tokens.issue(alice)
    scram.SECRET_KEY_FALLBACKS, scram.SECRET_KEY = [scram.SECRET_KEY], "new"
    assert tokens.find(secret) is not None
    scram.SECRET_KEY_FALLBACKS = []
    assert tokens.find(secret) is None


@pytest.mark.parametrize("hours", [0, -1, "3", None, True, float("nan"), 10**9])
def test_wrong_leases_do_not_count(hours: Any, scram: Any) -> None:
    scram.HAYSTACK = {**scram.HAYSTACK, "TOKEN_HOURS": hours}
    assert tokens.lease() == dt.timedelta(days=30)
