"""The logins of a user: sessions of browsers, and tokens of programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import router
from django.utils import timezone
from django.utils.translation import gettext

from ..models import AuditEntry, Token
from . import tokens
from .audit import log_event
from .user_sessions import end_session, sessions_of

__all__ = ["Login", "end_logins", "logins_of"]

_TOKEN = "t"
_SESSION = "s"


class Login(NamedTuple):
    """A session of a browser, or the token of a Haystack client.

    ``key`` is for the URL that ends it. ``used`` is not known of sessions.
    """

    key: str
    kind: str
    used: dt.datetime | None
    expires: dt.datetime | None
    is_current: bool = False


def logins_of(user: Any, current: str | None = None) -> Iterator[Login]:
    """``current`` is the key of the session that asks."""
    for session in sessions_of(user, current):
        yield Login(
            _SESSION + session.name,
            gettext("browser"),
            None,
            session.expires,
            session.is_current,
        )
    for token in _tokens_of(user):
        yield Login(f"{_TOKEN}{token.pk}", gettext("client"), token.used, token.expires)


def end_logins(user: Any, current: str | None = None, key: str | None = None) -> int:
    """End one login of a user, or without a key all but the current one.

    Returns how many ended.
    """
    count = 0
    for session in sessions_of(user, current):
        if key == _SESSION + session.name or (key is None and not session.is_current):
            end_session(session.key)
            count += 1
    for token in _tokens_of(user):
        if key in (None, f"{_TOKEN}{token.pk}"):
            tokens.revoke(token)
            count += 1
    if count:
        detail = f"user {user.get_username()!r}: {count}"
        log_event(AuditEntry.LOGINS_ENDED, detail, router.db_for_write(AuditEntry))
    return count


def _tokens_of(user: Any) -> list[Token]:
    held = Token.objects.filter(user=user.pk, scope=Token.LOGIN)
    return list(held.filter(expires__gt=timezone.now()).order_by("-used")[:100])
