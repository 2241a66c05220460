"""Logins that this process has verified within the last second.

Finding a token, its user and the user's permissions takes longer than a small op. What
this process changes is effective at once: each statement on the tables of users,
groups, tokens and sessions makes it forget all logins. What others change is effective
within ``SECONDS``, without any bus that could be deaf.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from copy import copy
from functools import cache
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from ..models import GroupScope, Token
from ..replicas.positions import note_everyone_on_commit
from .permissions import load_permissions

__all__ = ["SECONDS", "forget", "remembered_token", "remembered_user"]

SECONDS = 1.0
_MOST = 10_000
_WRITES = re.compile(
    r"(?:^|;)\s*(?:INSERT|UPDATE|DELETE|WITH|MERGE|COPY|TRUNCATE|ALTER|DROP|CALL|DO)\b",
    re.IGNORECASE,
)
"""Statements, also after the settings of a pooled session."""
_T = TypeVar("_T")


class _Entry(NamedTuple, Generic[_T]):
    found: _T
    until: float


class _Memory(Generic[_T]):
    """What was found by keys that are as hard to guess as the credentials."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry[_T]] = {}
        self._lock = Lock()
        self._generation = 0

    def get(self, key: str, find: Callable[[], _T | None]) -> _T | None:
        entry = self._entries.get(key)
        now = time.monotonic()
        if entry is not None and now < entry.until:
            return entry.found
        generation = self._generation
        found = find()
        if found is not None:
            self._add(key, _Entry(found, now + SECONDS), generation)
        return found

    def _add(self, key: str, entry: _Entry[_T], generation: int) -> None:
        """Not if something was changed while it was read."""
        with self._lock:
            if generation != self._generation:
                return
            if len(self._entries) >= _MOST:
                self._entries.clear()
            self._entries[key] = entry

    def clear(self) -> None:
        with self._lock:
            self._generation += 1
            self._entries.clear()


_tokens: _Memory[Token] = _Memory()
_users: _Memory[Any] = _Memory()


def remembered_token(key: str, find: Callable[[], Token | None]) -> Token | None:
    """A copy of the token with its user, found within the last second or by ``find``.

    Callers must check what time alone makes invalid.
    """
    token = _tokens.get(key, find)
    if token is None:
        return None
    load_permissions(token.user)  # once, they stay with the remembered user
    own = copy(token)
    own.user = copy(token.user)
    return own


def remembered_user(key: str, find: Callable[[], Any]) -> Any:
    """A copy of the user, found within the last second or by ``find``."""
    user = _users.get(key, find)
    if user is None:
        return None
    load_permissions(user)
    return copy(user)


def forget() -> None:
    """Forget all logins of this process."""
    _tokens.clear()
    _users.clear()


def _watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _after_writes not in connection.execute_wrappers:
        # first: Django removes the last one when a context of a wrapper ends
        connection.execute_wrappers.insert(0, _after_writes)


def _after_writes(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
) -> Any:
    """Forget all logins after a statement that may change one.

    Now, for this transaction; and again when other connections see the change.
    """
    result = execute(sql, params, many, context)
    text = str(sql)
    if any(name in text for name in _tables()) and _WRITES.search(text):
        forget()
        connection: BaseDatabaseWrapper = context["connection"]
        if connection.in_atomic_block:
            transaction.on_commit(forget, using=connection.alias)
        if any(name in text for name in _rights()):
            # data that is older than rights may be what they were not given for
            note_everyone_on_commit(connection.alias)
    return result


@cache
def _tables() -> tuple[str, ...]:
    users: Any = get_user_model()
    fields = users.groups, users.user_permissions, Group.permissions
    through = (field.through for field in fields)
    models = [users, Group, GroupScope, Token, *through]
    if apps.is_installed("django.contrib.sessions"):
        models.append(apps.get_model("sessions", "Session"))
    if apps.is_installed("allauth.mfa"):
        models.append(apps.get_app_config("mfa").get_model("Authenticator"))
    return tuple(model._meta.db_table for model in models)


@cache
def _rights() -> tuple[str, ...]:
    """Tables that say what users may see. That of users is not one of them: it is
    written by each login."""
    users: Any = get_user_model()
    through = users.groups.through, users.user_permissions.through
    return tuple(
        model._meta.db_table
        for model in (Group, GroupScope, Group.permissions.through, *through)
    )


def _after_logout(**_: Any) -> None:
    """For sessions that are not in a table."""
    forget()


user_logged_out.connect(_after_logout, dispatch_uid="haystack_app.auth.logins")
connection_created.connect(_watch, dispatch_uid="haystack_app.auth.logins")
