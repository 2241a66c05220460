"""Log-ins that fail, for whoever watches the log."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from ..models import AuditEntry
from . import audit
from .addresses import address_of

__all__ = ["log_failure", "note_throttled"]

logger = logging.getLogger("haystack_app.auth")
_LONGEST = 100


def log_failure(request: HttpRequest, username: str, why: str) -> None:
    """Nothing of the header but the name, which cannot break the line."""
    name, address = repr(username[:_LONGEST]), address_of(request)
    logger.warning("log-in of %s from %s: %s", name, address, why)
    audit.note_failure(AuditEntry.LOG_IN_FAILED, name, address, why)


def note_throttled(request: HttpRequest, username: str) -> None:
    """Called for the first refusal of a minute only."""
    name, address = repr(username[:_LONGEST]), address_of(request)
    logger.warning("log-in of %s from %s: too many attempts", name, address)
    audit.note_failure(AuditEntry.THROTTLED, name, address, "too many attempts")


@receiver(user_login_failed)
def password_failed(
    sender: Any, credentials: dict[str, Any], request: Any = None, **_: Any
) -> None:
    """HTTP Basic, the admin's form and whatever else asks ``authenticate``."""
    named = credentials.get(get_user_model().USERNAME_FIELD)
    name = str(named or credentials.get("username") or "")
    log_failure(request or HttpRequest(), name, "wrong password or no such user")
