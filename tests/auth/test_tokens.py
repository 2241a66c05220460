"""Bearer tokens: stored as hashes, expiring, revoked with the password."""

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
    secret = tokens.create_secret(token)
    token.save()
    return secret


def test_only_the_hash_is_stored(alice: User) -> None:
    secret = tokens.issue(alice)
    [row] = Token.objects.values()
    assert row["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(row)
    found = tokens.get_valid(secret)
    assert found is not None and found.user == alice
    for wrong in ("", secret[:-1], secret.upper(), row["digest"], "\ud800", "é"):
        assert tokens.get_valid(wrong) is None


def test_several_at_once(alice: User) -> None:
    one, two = tokens.issue(alice), tokens.issue(alice)
    token = tokens.get_valid(one)
    assert token is not None
    tokens.revoke(token)
    assert tokens.get_valid(one) is None
    assert tokens.get_valid(two) is not None


def test_use_extends_a_login(alice: User, scram: Any) -> None:
    scram.HAYSTACK = {**scram.HAYSTACK, "TOKEN_HOURS": 3}
    with time_machine.travel(NOW, tick=False) as clock:
        secret = tokens.issue(alice)
        idle = tokens.issue(alice)
        for _ in range(5):
            clock.shift(2 * 3600)
            assert tokens.get_valid(secret) is not None
        assert tokens.get_valid(idle) is None
        clock.shift(3 * 3600 + 1)
        assert tokens.get_valid(secret) is None
        tokens.issue(alice)
        assert Token.objects.count() == 1  # what has expired is swept


def test_use_does_not_extend_an_api_token(alice: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        short = named(alice, Token.READ, expires=NOW + dt.timedelta(days=1))
        long = named(alice, Token.WRITE)
        clock.shift(23 * 3600)
        assert tokens.get_valid(short) and tokens.get_valid(long)
        clock.shift(3601)
        assert tokens.get_valid(short) is None
        clock.shift(10 * 365 * 86_400)
        assert tokens.get_valid(long) is not None
        assert Token.objects.get(scope=Token.WRITE).used == dt.datetime.now(dt.UTC)


def test_most_requests_do_not_write(alice: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        secret = tokens.issue(alice)
        for seconds, statements in ((1, 1), (50, 1), (10, 2), (1, 1), (58, 1), (3, 2)):
            clock.shift(seconds)
            with CaptureQueriesContext(connection) as sql:
                assert tokens.get_valid(secret) is not None
            assert len(sql) == statements


def test_request_is_answered_if_the_database_is_locked(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("database is locked")

    with time_machine.travel(NOW, tick=False) as clock:
        secret = tokens.issue(alice)
        clock.shift(100)
        monkeypatch.setattr(type(Token.objects.all()), "update", locked)
        assert tokens.get_valid(secret) is not None


@pytest.mark.parametrize(
    "change", ["set_password", "queryset", "unusable", "disabled", "update", "deleted"]
)
def test_password_and_user_end_all_tokens(alice: User, change: str) -> None:
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
        assert tokens.get_valid(secret) is None
    User.objects.filter(username="alice").update(is_active=True)
    for secret in secrets:  # for good
        assert tokens.get_valid(secret) is None
    assert Token.objects.count() == 1
    assert tokens.get_valid(others) is not None


def test_other_changes_do_not_end_tokens(alice: User) -> None:
    secret = tokens.issue(alice)
    alice.first_name, alice.is_staff = "Al", True
    alice.save()
    alice.save(update_fields=["last_login"])
    assert tokens.get_valid(secret) is not None


def test_upgraded_hash_does_not_end_tokens(alice: User, scram: Any) -> None:
    secret = tokens.issue(alice)
    dead = tokens.issue(alice)
    Token.objects.filter(digest=hashlib.sha256(dead.encode()).hexdigest()).update(
        proof="of another password"
    )
    scram.HAYSTACK = {**scram.HAYSTACK, "SCRAM_ITERATIONS": 5_000}
    before = alice.password
    assert authenticate(username="alice", password=PASSWORD) == alice
    assert User.objects.get().password != before
    assert tokens.get_valid(secret) is not None
    assert tokens.get_valid(dead) is None


def test_hash_set_by_sql_ends_tokens(alice: User) -> None:
    from django.contrib.auth.hashers import make_password

    secret = tokens.issue(alice)
    user = User.objects.get()
    user.password = make_password("new")
    user.save(update_fields=["password"])
    assert tokens.get_valid(secret) is None


def test_secret_key_fallbacks(alice: User, scram: Any) -> None:
    secret = tokens.issue(alice)
    scram.SECRET_KEY_FALLBACKS, scram.SECRET_KEY = [scram.SECRET_KEY], "new"
    assert tokens.get_valid(secret) is not None
    scram.SECRET_KEY_FALLBACKS = []
    assert tokens.get_valid(secret) is None


@pytest.mark.parametrize("hours", [0, -1, "3", None, True, float("nan"), 10**9])
def test_invalid_leases_are_ignored(hours: Any, scram: Any) -> None:
    scram.HAYSTACK = {**scram.HAYSTACK, "TOKEN_HOURS": hours}
    assert tokens.lease() == dt.timedelta(days=30)
