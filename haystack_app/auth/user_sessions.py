"""The sessions of a user, which Django stores by key alone."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from django.utils.crypto import salted_hmac

__all__ = ["UserSession", "end_session", "sessions_of"]

_MOST = 10_000
"""Sessions of all users that are looked through, those that last longest first."""


class UserSession(NamedTuple):
    """``name`` identifies it, and is of no use to log in as its key is."""

    name: str
    key: str
    expires: Any
    is_current: bool


def sessions_of(user: Any, current: str | None = None) -> Iterator[UserSession]:
    """The sessions of a user, if they are kept in a database.

    ``current`` is the key of the one that asks.
    """
    store = _store()
    if not hasattr(store, "get_model_class"):  # of Django's AbstractBaseSession
        return
    model: Any = store.get_model_class()
    wanted = str(user.pk)
    rows = model.objects.filter(expire_date__gt=timezone.now())
    found = rows.order_by("-expire_date").values_list(
        "session_key", "session_data", "expire_date"
    )
    reader = store()
    for key, data, expires in found[:_MOST].iterator():
        if str(reader.decode(data).get(SESSION_KEY)) == wanted:
            yield UserSession(_name(key), key, expires, key == current)


def end_session(key: str) -> None:
    """The next request with the session is not authenticated."""
    _store()(key).delete()


def _store() -> type[SessionBase]:
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store


def _name(key: str) -> str:
    return salted_hmac(__name__, key).hexdigest()[:32]
