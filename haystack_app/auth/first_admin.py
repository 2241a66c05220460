"""The first superuser of a new database, from the setting ``SUPERUSER``.

It is created after ``migrate`` if there is no superuser. Existing users are never
changed, so the setting may be kept.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import router, transaction
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from ..conf import app_settings

__all__ = ["create_first_superuser"]

logger = logging.getLogger("haystack_app.auth")


@receiver(post_migrate)
def create_first_superuser(
    sender: Any, using: str, apps: Any = None, verbosity: int = 1, **_: Any
) -> None:
    given = app_settings.SUPERUSER
    if sender.label != "haystack_app" or not given:
        return
    users = get_user_model()
    if router.db_for_write(users) != using or not _is_migrated(apps, users):
        return
    name, password = _value(given, "USERNAME"), _value(given, "PASSWORD")
    if not (name and password):
        if name or password:
            logger.warning("first superuser not created: name or password is missing")
        return
    if _create(users._default_manager.db_manager(using), name, password) and verbosity:
        print(f"Superuser {name!r} created.")


def _create(users: Any, name: str, password: str) -> bool:
    named = {users.model.USERNAME_FIELD: name}
    with transaction.atomic(using=users.db):
        if users.filter(is_superuser=True).exists():
            return False
        if users.filter(**named).exists():
            logger.warning(
                "first superuser not created: user %r exists and is not a superuser",
                name,
            )
            return False
        _check(users.model, name, password)
        users.create_superuser(**named, password=password)
    return True


def _check(model: Any, name: str, password: str) -> None:
    """Raises ImproperlyConfigured for an invalid name; warns of a weak password."""
    user = model(**{model.USERNAME_FIELD: name})
    try:
        model._meta.get_field(model.USERNAME_FIELD).clean(name, user)
    except ValidationError as error:
        why = " ".join(error.messages)
        raise ImproperlyConfigured(f"HAYSTACK_SUPERUSER_USERNAME: {why}") from None
    try:
        validate_password(password, user)
    except ValidationError as error:
        why = " ".join(error.messages)
        logger.warning("the first superuser's password is weak: %s", why)


def _is_migrated(apps: Any, users: Any) -> bool:
    """Whether the users' table exists: ``migrate`` may be run for single apps."""
    if apps is None:
        return True
    try:
        apps.get_model(users._meta.label)
    except LookupError:
        return False
    return True


def _value(given: Any, name: str) -> str:
    """The value, or the content of the file without a newline at its end."""
    value, path = given.get(name, ""), given.get(f"{name}_FILE", "")
    if value and path:
        both = f"HAYSTACK_SUPERUSER_{name}"
        raise ImproperlyConfigured(f"{both} and {both}_FILE are both set")
    if not path:
        return str(value)
    try:
        return Path(path).read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeError) as error:
        why = type(error).__name__  # the message might quote the file
        raise ImproperlyConfigured(
            f"HAYSTACK_SUPERUSER_{name}_FILE cannot be read: {why}"
        ) from None
