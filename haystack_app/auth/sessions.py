"""Sessions in the database that do not wait for the lock of SQLite.

``SESSION_ENGINE = "haystack_app.auth.sessions"``. A session that cannot be stored at
once is known to this process, and is stored when the lock is free. On other databases
these are Django's own.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.utils import timezone

from .brief_writes import LATER, unless_locked

__all__ = ["SessionStore"]

_Held = tuple[str, dt.datetime]
_held: dict[str, _Held | None] = {}
"""Encoded data and expiry by key, of sessions that wait; None for one to delete."""


class SessionStore(DatabaseSessions):
    def load(self) -> dict[str, Any]:
        if self.session_key not in _held:
            found: dict[str, Any] = super().load()
            return found
        held = _held[self.session_key]
        if held is None or held[1] <= timezone.now():
            self._session_key = None
            return {}
        data: dict[str, Any] = self.decode(held[0])
        return data

    def exists(self, session_key: str) -> bool:
        return session_key in _held or bool(super().exists(session_key))

    def save(self, must_create: bool = False) -> None:
        key = self.session_key
        if key is None:
            self.create()
            return
        save = partial(DatabaseSessions.save, self, must_create)
        if key in _held or not unless_locked(save):
            data = self.encode(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
            _hold(self.model, key, (data, self.get_expiry_date()))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is None:
            return
        if key in _held or not unless_locked(partial(super().delete, key)):
            _hold(self.model, key, None)


def _hold(model: Any, key: str, held: _Held | None) -> None:
    _held[key] = held
    LATER.add(partial(_store, model, key))


def _store(model: Any, key: str) -> None:
    """Write what is held of a session as of now, and hold it no longer."""
    if key not in _held:
        return
    held = _held[key]
    rows = model.objects
    if held is None:
        rows.filter(session_key=key).delete()
    else:
        data, expires = held
        values = {"session_data": data, "expire_date": expires}
        rows.update_or_create(session_key=key, defaults=values)
    if _held.get(key) is held:
        del _held[key]
