"""Bearer tokens: issue, look up, revoke.

A token is 256 random bits, so it is safe to store a plain SHA-256 of it. ``proof`` is
the session hash of the password it was issued under: changing the password revokes
the token, as it ends Django's sessions; disabling the user revokes it permanently.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import secrets
from copy import copy
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from ..conf import app_settings
from ..models import Token
from .brief_writes import LATER, now_or_later, unless_locked
from .logins import remembered_token

__all__ = [
    "create_secret",
    "get_remembered",
    "get_valid",
    "is_valid",
    "issue",
    "revoke",
]

logger = logging.getLogger("haystack_app.auth")

_USE_SECONDS = 60
"""Interval of updates of ``used``."""
_MOST_UNSAVED = 10_000
_unsaved: dict[str, Token] = {}
"""By digest: tokens of logins that this process stores when SQLite is free again."""


def lease() -> dt.timedelta:
    """``HAYSTACK["TOKEN_HOURS"]``: how long an unused login lasts."""
    return dt.timedelta(hours=app_settings.TOKEN_HOURS)


def issue(user: Any) -> str:
    """Create a token for a login and return its secret."""
    token = Token(user=user)
    secret = create_secret(token)
    token.used = token.created
    token.expires = token.created + lease()
    if not unless_locked(partial(_save, token)):
        while len(_unsaved) >= _MOST_UNSAVED:  # it is valid again when it is stored
            _unsaved.pop(next(iter(_unsaved)), None)
        _unsaved[token.digest] = token
        LATER.add(partial(_save_later, token))
    return secret


def _save(token: Token) -> None:
    with transaction.atomic():
        Token.objects.filter(scope=Token.LOGIN, expires__lte=token.created).delete()
        token.save(force_insert=True)


def _save_later(token: Token) -> None:
    """Store a token unless it has been revoked. Raises OperationalError."""
    if token.digest not in _unsaved:
        return
    try:
        _save(token)
    except IntegrityError:  # the user was deleted
        logger.info("the user of a new token is gone")
    _unsaved.pop(token.digest, None)


def create_secret(token: Token) -> str:
    """Set the fields of a new token and return its secret, which is not stored."""
    secret = secrets.token_hex(32)  # clients can send hexadecimal unescaped
    token.digest = _digest(secret)
    token.proof = token.user.get_session_auth_hash()
    token.created = timezone.now()
    return secret


def get_valid(secret: str) -> Token | None:
    """The token with its user, if it is valid; updates ``used``."""
    token = _find(_digest(secret))
    if token is None:
        return None
    now = timezone.now()
    if not is_valid(token, now):
        if token.expires is None or token.expires > now:
            # it must stay invalid if the user is enabled again
            now_or_later(partial(revoke, token))
        return None
    _update_use(token, now)
    return token


def _find(digest: str) -> Token | None:
    unsaved = _unsaved.get(digest)
    if unsaved is None:
        rows = Token.objects.select_related("user").filter(digest=digest)
        return rows.first()
    users = get_user_model()._default_manager
    user: Any = users.filter(pk=unsaved.user_id).first()
    if user is None:
        return None
    token = copy(unsaved)
    token.user = user
    return token


def get_remembered(secret: str) -> Token | None:
    """As ``get_valid``, of at most a second ago."""
    token = remembered_token(_digest(secret), lambda: get_valid(secret))
    if token is not None and token.expires and token.expires <= timezone.now():
        return None
    return token


def is_valid(token: Token, now: dt.datetime) -> bool:
    if not token.user.is_active or (token.expires and token.expires <= now):
        return False
    return any(
        constant_time_compare(token.proof, it) for it in valid_proofs(token.user)
    )


def valid_proofs(user: Any) -> list[str]:
    """Valid proofs of a user's tokens, one for each key in SECRET_KEY_FALLBACKS too."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


def revoke(token: Token) -> None:
    _unsaved.pop(token.digest, None)
    Token.objects.filter(digest=token.digest).delete()


def _update_use(token: Token, now: dt.datetime) -> None:
    """Once per minute, so that most requests do not write.

    The condition on ``used`` lets one of several concurrent requests write.
    """
    if token.pk is None:
        return
    if token.used and (now - token.used).total_seconds() < _USE_SECONDS:
        return
    changes: dict[str, Any] = {"used": now}
    if token.scope == Token.LOGIN:
        changes["expires"] = now + lease()
    rows = Token.objects.filter(pk=token.pk, used=token.used)
    try:
        if unless_locked(lambda: rows.update(**changes), wait_seconds=0):
            return
    except OperationalError:  # such as a full disk; the next request retries
        pass
    logger.info("could not update the time of use of a token")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
