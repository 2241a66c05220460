"""Tokens in the admin: made once, shown once, revoked by deleting them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils.html import strip_tags

from haystack_app.auth import tokens
from haystack_app.models import Token

pytestmark = pytest.mark.django_db
LIST = "/admin/haystack_app/token/"


@pytest.fixture
def root(client: Client) -> User:
    user = User.objects.create_superuser("root", password="x")
    client.force_login(user)
    return user


def add(client: Client, user: User, **fields: str) -> Any:
    form = {"user": str(user.pk), "name": "Grafana", "scope": "read", **fields}
    return client.post(f"{LIST}add/", form, follow=True)


def secret_in(response: Any) -> str:
    found = re.search(
        r"not shown again: ([0-9a-f]{64})", strip_tags(response.content.decode())
    )
    assert found
    return found[1]


def test_made_and_shown_once(client: Client, root: User) -> None:
    bob = User.objects.create_user("bob", password="x")
    response = add(client, bob, expires_0="2099-01-01", expires_1="00:00")
    secret = secret_in(response)
    token = tokens.get_valid(secret)
    assert token is not None
    assert (token.user, token.name, token.scope) == (bob, "Grafana", "read")
    assert token.expires is not None and token.expires.year == 2099
    page = client.get(LIST).content.decode()
    assert "Grafana" in page and secret not in page and token.digest not in page
    detail = client.get(f"{LIST}{token.pk}/change/").content.decode()
    assert "Grafana" in detail
    assert token.digest not in detail and token.proof not in detail


def test_revoked(client: Client, root: User) -> None:
    secret = secret_in(add(client, root))
    pk = Token.objects.get().pk
    client.post(f"{LIST}{pk}/delete/", {"post": "yes"})
    assert tokens.get_valid(secret) is None


def test_what_is_needed(client: Client, root: User) -> None:
    add(client, root)
    for wrong in ({"name": ""}, {"scope": ""}, {"scope": "root"}, {}):  # {}: twice
        response = add(client, root, **wrong)
        assert "errorlist" in response.content.decode()
    assert Token.objects.count() == 1


def test_it_cannot_be_changed(client: Client, root: User) -> None:
    add(client, root)
    token = Token.objects.get()
    client.post(f"{LIST}{token.pk}/change/", {"scope": "admin", "name": "x"})
    token.refresh_from_db()
    assert token.scope == "read"


def test_superusers_cannot_act_as_other_users(client: Client) -> None:
    root = User.objects.create_superuser("root", password="x")
    tokens.issue(root)
    clerk = User.objects.create_user("clerk", password="x", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__model="token"))
    client.force_login(clerk)
    assert "errorlist" in add(client, root, scope="admin").content.decode()
    assert tokens.get_valid(secret_in(add(client, clerk)))
    page = client.get(LIST).content.decode()
    assert "Grafana" in page and "root" not in page
    theirs = Token.objects.get(user=root)
    client.post(f"{LIST}{theirs.pk}/delete/", {"post": "yes"})
    assert Token.objects.filter(user=root).exists()
