"""``haystack_token``: API tokens without the admin."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from haystack_app.auth import tokens
from haystack_app.models import Token
from tests.commands.conftest import Run


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", password="x")


def test_create_list_revoke(run: Run, bob: User) -> None:
    secret = run(
        "haystack_token", "create", "bob", "Grafana", "--scope", "write"
    ).strip()
    token = tokens.get_valid(secret)
    assert token is not None
    assert (token.user, token.name, token.scope) == (bob, "Grafana", "write")
    assert token.expires is None
    tokens.issue(bob)
    listed = run("haystack_token", "list", "bob").splitlines()
    assert len(listed) == 2
    assert any("(login)" in line for line in listed)
    assert any("Grafana" in line and "write" in line for line in listed)
    assert secret not in "".join(listed)
    assert "1 tokens revoked" in run("haystack_token", "revoke", "bob", "Grafana")
    assert tokens.get_valid(secret) is None
    assert "1 tokens revoked" in run("haystack_token", "revoke", "bob")
    assert run("haystack_token", "list") == "no tokens\n"


def test_default_scope_is_read(run: Run, bob: User) -> None:
    run("haystack_token", "create", "bob", "one", "--days", "7")
    token = Token.objects.get()
    assert token.scope == "read" and token.expires is not None
    left = token.expires - timezone.now()
    assert dt.timedelta(days=6.9) < left < dt.timedelta(days=7.1)


def test_expired_token_is_marked(run: Run, bob: User) -> None:
    run("haystack_token", "create", "bob", "one")
    assert "expired" not in run("haystack_token", "list")
    User.objects.update(is_active=False)
    assert "expired" in run("haystack_token", "list")


@pytest.mark.parametrize(
    "words",
    [
        ["create", "stranger", "x"],
        ["create", "bob", ""],
        ["create", "bob", "x" * 101],
        ["create", "bob", "taken"],
        ["create", "bob", "x", "--scope", "root"],
        ["create", "bob", "x", "--days", "0"],
        ["create", "bob", "x", "--days", "99999999"],
        ["revoke", "bob", "unknown"],
        ["revoke", "bob", ""],
        ["revoke", "stranger"],
        ["list", "stranger"],
        [],
    ],
)
def test_refused(run: Run, bob: User, words: list[str]) -> None:
    run("haystack_token", "create", "bob", "taken")
    with pytest.raises(CommandError):
        run("haystack_token", *words)
    assert Token.objects.count() == 1
