"""The password hasher for SCRAM."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from haystack_app.auth import scram
from haystack_app.auth.hashers import ScramHasher, iterations, keys_of
from tests.auth.conftest import ROUNDS
from tests.auth.handshaking import PASSWORD, Handshake

_100_000 = 100_000


def rounds(settings: Any, count: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "SCRAM_ITERATIONS": count}


def test_format() -> None:
    encoded = make_password("pässwörd€")
    name, count, *parts = encoded.split("$")
    assert (name, int(count)) == ("scram", ROUNDS)
    assert [len(part) for part in parts] == [22, 43, 43]
    salt, stored, server = (base64.b64decode(part + "==") for part in parts)
    keys = scram.derive("pässwörd€".encode(), salt, ROUNDS)
    assert (keys.stored, keys.server) == (stored, server)
    assert check_password("pässwörd€", encoded)
    assert not check_password("pässwörd", encoded)
    assert make_password("pässwörd€") != encoded


def test_length_fits_the_field(scram: Any) -> None:
    scram.HAYSTACK = {
        key: value for key, value in scram.HAYSTACK.items() if key != "SCRAM_ITERATIONS"
    }
    assert iterations() == _100_000
    assert len(make_password("x")) == 123
    assert len(make_password("x").replace(str(_100_000), "99999999")) <= 128


@pytest.mark.parametrize("count", [1, 4095, 10**8, "5000", 5000.0, True, None])
def test_invalid_settings_are_ignored(count: Any, scram: Any) -> None:
    rounds(scram, count)
    assert iterations() == _100_000


@pytest.mark.parametrize("salt", ["", "abc", "$" * 22, "A" * 20])
def test_salts_shorter_than_16_bytes_are_refused(salt: str) -> None:
    with pytest.raises(ValueError):
        ScramHasher().encode("x", salt)


def test_summary_for_the_admin() -> None:
    """Nothing of a key: six characters and the salt suffice to search for it."""
    summary = ScramHasher().safe_summary(make_password("x"))
    assert summary == {"algorithm": "scram", "iterations": ROUNDS}


@pytest.mark.parametrize("hasher", ["scram", "pbkdf2_sha256", "md5"])
@pytest.mark.parametrize("codename", ["view_user", "change_user"])
@pytest.mark.django_db
def test_the_admin_shows_nothing_of_a_key(hasher: str, codename: str) -> None:
    encoded = make_password("secret", hasher=hasher)
    ann = User.objects.create(username="ann", password=encoded)
    clerk = User.objects.create_user("clerk", is_staff=True)
    rights = ["view_user", codename]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(clerk)
    page = client.get(f"/admin/auth/user/{ann.pk}/change/").content.decode()
    assert hasher in page
    for part in encoded.split("$")[1:]:
        assert part.isdecimal() or part[:4] not in page


def test_hashes_of_other_hashers_are_refused() -> None:
    for encoded in ("", "!unusable", "md5$a$b", "pbkdf2_sha256$1$a$b$c", "scram$1$a"):
        with pytest.raises(ValueError):
            keys_of(encoded)


@pytest.mark.django_db
@pytest.mark.parametrize("hasher", ["pbkdf2_sha256", "md5"])
def test_older_hashes_are_upgraded_by_a_password_login(hasher: str) -> None:
    user = User(username="old", password=make_password(PASSWORD, hasher=hasher))
    user.save()
    attempt = Handshake(Client(), "old")
    attempt.hello(), attempt.first()
    assert attempt.final().status_code == 403
    assert authenticate(username="old", password="wrong") is None
    user.refresh_from_db()
    assert user.password.startswith(hasher)
    assert authenticate(username="old", password=PASSWORD) == user
    user.refresh_from_db()
    assert keys_of(user.password)
    assert Handshake(Client(), "old").run()


@pytest.mark.django_db
def test_other_iterations_are_upgraded(scram: Any) -> None:
    user = User.objects.create_user("bob", password=PASSWORD)
    rounds(scram, 5000)
    assert Handshake(Client(), "bob").run()
    assert authenticate(username="bob", password=PASSWORD) == user
    user.refresh_from_db()
    assert keys_of(user.password).iterations == 5000
    assert Handshake(Client(), "bob").run()


def test_wrong_password_takes_the_configured_iterations(
    scram: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = make_password("x")
    rounds(scram, 10_000)
    spent = []
    original = hashlib.pbkdf2_hmac

    def counted(*args: Any) -> bytes:
        spent.append(args[3])
        return original(*args)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counted)
    assert not check_password("y", encoded)
    assert sum(spent) == 10_000


@pytest.mark.django_db
def test_every_way_to_set_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", username="root", email="", interactive=False)
    assert Handshake(Client(), "root").run()
    root = User.objects.get(username="root")
    admin = Client()
    admin.force_login(root)
    fields = {"password1": "An0ther-word", "password2": "An0ther-word"}
    page = f"/admin/auth/user/{root.pk}/password/"
    assert admin.post(page, {**fields, "usable_password": "true"}).status_code == 302
    assert Handshake(Client(), "root", "An0ther-word").run()
    root.set_password("third")
    root.save()
    assert Handshake(Client(), "root", "third").run()
