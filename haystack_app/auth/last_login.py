"""``last_login`` of users, noted without waiting for the lock of SQLite."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from .brief_writes import now_or_later

__all__ = ["replace_receiver"]

_UID = "update_last_login"
"""By which Django connects its own receiver."""


def replace_receiver() -> None:
    """Connect a receiver instead of Django's, which waits for the lock of SQLite."""
    is_sqlite = connections[DEFAULT_DB_ALIAS].vendor == "sqlite"
    if is_sqlite and user_logged_in.disconnect(dispatch_uid=_UID):
        user_logged_in.connect(_note, dispatch_uid=_UID)


def _note(sender: Any, user: Any, **_: Any) -> None:
    user.last_login = timezone.now()
    rows = type(user)._default_manager.filter(pk=user.pk)
    now_or_later(partial(rows.update, last_login=user.last_login))
