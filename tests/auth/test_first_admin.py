"""The first superuser, created after ``migrate`` from the setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough phrase"


def migrate(settings: Any, **given: str) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "SUPERUSER": given}
    call_command("migrate", verbosity=0)


def test_created_once(settings: Any) -> None:
    migrate(settings, USERNAME="root", PASSWORD=PASSWORD)
    root = User.objects.get()
    assert (root.username, root.is_superuser, root.is_staff) == ("root", True, True)
    assert root.check_password(PASSWORD)
    migrate(settings, USERNAME="root", PASSWORD="something else")
    migrate(settings, USERNAME="other", PASSWORD="something else")
    assert User.objects.get().check_password(PASSWORD)


def test_from_files(settings: Any, tmp_path: Path) -> None:
    name, password = tmp_path / "name", tmp_path / "password"
    name.write_text("root\n")
    password.write_text(f" {PASSWORD} \r\n")
    migrate(settings, USERNAME_FILE=str(name), PASSWORD_FILE=str(password))
    assert User.objects.get(username="root").check_password(f" {PASSWORD} ")


@pytest.mark.parametrize("is_active", [True, False])
def test_not_created_if_a_superuser_exists(settings: Any, is_active: bool) -> None:
    User.objects.create_superuser("boss", is_active=is_active)
    migrate(settings, USERNAME="root", PASSWORD=PASSWORD)
    assert [user.username for user in User.objects.all()] == ["boss"]


def test_existing_users_are_not_changed(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    User.objects.create_user("root", password="as it was")
    migrate(settings, USERNAME="root", PASSWORD=PASSWORD)
    root = User.objects.get()
    assert root.check_password("as it was")
    assert not root.is_superuser
    assert "is not a superuser" in caplog.text


@pytest.mark.parametrize(
    "given", [{}, {"USERNAME": "root"}, {"PASSWORD": PASSWORD}, {"USERNAME": ""}]
)
def test_incomplete_setting(settings: Any, given: dict[str, str]) -> None:
    migrate(settings, **given)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"USERNAME": "a b", "PASSWORD": PASSWORD}, "USERNAME: Enter a valid"),
        ({"USERNAME": "a", "PASSWORD": "x", "PASSWORD_FILE": "y"}, "both set"),
        ({"USERNAME": "a", "PASSWORD_FILE": "/nowhere/x"}, "cannot be read"),
    ],
)
def test_invalid_settings_are_reported(
    settings: Any, given: dict[str, str], why: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=why) as caught:
        migrate(settings, **given)
    assert PASSWORD not in str(caught.value)
    assert not User.objects.exists()


def test_weak_password_is_only_a_warning(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(settings, USERNAME="root", PASSWORD="demo-5")
    assert User.objects.get().check_password("demo-5")
    assert "weak" in caplog.text
    assert "demo-5" not in caplog.text
