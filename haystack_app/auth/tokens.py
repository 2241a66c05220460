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
from typing import Any

from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from ..conf import app_settings
from ..models import Token
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


def lease() -> dt.timedelta:
    """``HAYSTACK["TOKEN_HOURS"]``: how long an unused login lasts."""
    return dt.timedelta(hours=app_settings.TOKEN_HOURS)


def issue(user: Any) -> str:
    """Create a token for a login and return its secret."""
    token = Token(user=user)
    secret = create_secret(token)
    token.used = token.created
    token.expires = token.created + lease()
    with transaction.atomic():
        Token.objects.filter(scope=Token.LOGIN, expires__lte=token.created).delete()
        token.save(force_insert=True)
    return secret


def create_secret(token: Token) -> str:
    """Set the fields of a new token and return its secret, which is not stored."""
    secret = secrets.token_hex(32)  # clients can send hexadecimal unescaped
    token.digest = _digest(secret)
    token.proof = token.user.get_session_auth_hash()
    token.created = timezone.now()
    return secret


def get_valid(secret: str) -> Token | None:
    """The token with its user, if it is valid; updates ``used``."""
    token = Token.objects.select_related("user").filter(digest=_digest(secret)).first()
    if token is None:
        return None
    now = timezone.now()
    if not is_valid(token, now):
        if token.expires is None or token.expires > now:
            revoke(token)  # it must stay invalid if the user is enabled again
        return None
    _update_use(token, now)
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
    Token.objects.filter(pk=token.pk).delete()


def _update_use(token: Token, now: dt.datetime) -> None:
    """Once per minute, so that most requests do not write.

    The condition on ``used`` lets one of several concurrent requests write.
    """
    if token.used and (now - token.used).total_seconds() < _USE_SECONDS:
        return
    changes: dict[str, Any] = {"used": now}
    if token.scope == Token.LOGIN:
        changes["expires"] = now + lease()
    try:
        Token.objects.filter(pk=token.pk, used=token.used).update(**changes)
    except OperationalError:  # such as a locked database; the next request retries
        logger.info("could not update the time of use of a token")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
