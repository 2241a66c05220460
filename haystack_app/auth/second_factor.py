"""Which users need a second factor, and which of their logins have had one.

Second factors are those of django-allauth, where a project has installed it. A session
notes that it has had one, however it began, so that no form of any page, present or
future, is a way around it.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from django.apps import apps
from django.contrib.sessions.backends.base import SessionBase
from django.db import router

from ..conf import app_settings
from ..models import AuditEntry
from .audit import log_event

__all__ = [
    "PASSWORD_REFUSED",
    "SESSION_REFUSED",
    "Standing",
    "has_factor",
    "is_installed",
    "note_factor",
    "refuses_password",
    "remove_factors",
    "standing_of",
]

SESSION_REFUSED = "this login lacks a second factor: log in at a page"
PASSWORD_REFUSED = (
    "a password alone is not enough for this user: log in at a page, and create a token"
    " for programs at My account"
)
_NOTE = "haystack_second_factor"


class Standing(Enum):
    """What a session may do."""

    PASSED = "everything"
    SET_UP = "only set up a second factor"
    LOG_IN_AGAIN = "nothing"


def is_installed() -> bool:
    return apps.is_installed("allauth.mfa")


def has_factor(user: Any) -> bool:
    """Whether the user has an authenticator app or a security key."""
    from allauth.mfa.models import Authenticator

    held = Authenticator.objects.filter(user=user.pk)
    return bool(held.exclude(type=Authenticator.Type.RECOVERY_CODES).exists())


def remove_factors(user: Any) -> bool:
    """Remove all of a user; false if there was none."""
    from allauth.mfa.models import Authenticator

    held = Authenticator.objects.filter(user=user.pk)
    names = sorted({one.get_type_display() for one in held})
    if not names:
        return False
    held.delete()
    detail = f"user {user.get_username()!r}: {', '.join(names)}"
    log_event(AuditEntry.FACTOR_REMOVED, detail, router.db_for_write(AuditEntry))
    return True


def note_factor(session: SessionBase, user: Any) -> None:
    """The user of the session has shown a second factor."""
    session[_NOTE] = str(user.pk)


def standing_of(session: SessionBase, user: Any) -> Standing:
    """Asks the database, unless second factors are not installed."""
    if not is_installed() or session.get(_NOTE) == str(user.pk):
        return Standing.PASSED
    if has_factor(user):
        return Standing.LOG_IN_AGAIN
    return Standing.SET_UP if _is_required_of(user) else Standing.PASSED


def refuses_password(user: Any) -> bool:
    """Whether programs must not log in by the user's password, by Basic or SCRAM."""
    if not is_installed() or app_settings.SECOND_FACTOR["PASSWORDS"]:
        return False
    return has_factor(user) or _is_required_of(user)


def _is_required_of(user: Any) -> bool:
    names = app_settings.SECOND_FACTOR["GROUPS"]
    if not names:
        return False
    return "*" in names or user.groups.filter(name__in=names).exists()
