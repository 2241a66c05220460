"""Bearer tokens: issued, found, ended.

A token is 256 random bits, so that its plain SHA-256 is safe to store. Beside it
stands a proof of the password it was issued under: a changed password ends it
(Django's sessions end the same way), and a disabled user's are gone for good.
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

__all__ = ["end", "find", "is_alive", "issue", "seal"]

logger = logging.getLogger("haystack_app.auth")

_NOTED_SECONDS = 60


def lease() -> dt.timedelta:
    """``HAYSTACK["TOKEN_HOURS"]``: how long an unused login lasts."""
    return dt.timedelta(hours=app_settings.TOKEN_HOURS)


def issue(user: Any) -> str:
    """The token of a log-in."""
    token = Token(user=user)
    secret = seal(token)
    token.used = token.created
    token.expires = token.created + lease()
    with transaction.atomic():
        Token.objects.filter(scope=Token.LOG_IN, expires__lte=token.created).delete()
        token.save(force_insert=True)
    return secret


def seal(token: Token) -> str:
    """Make a new token's secret, which is known here and now only."""
    secret = secrets.token_hex(32)  # hexadecimal: no client stumbles over it
    token.digest = _digest(secret)
    token.proof = token.user.get_session_auth_hash()
    token.created = timezone.now()
    return secret


def find(secret: str) -> Token | None:
    """The token with its user, if it is alive; its use is noted."""
    token = Token.objects.select_related("user").filter(digest=_digest(secret)).first()
    if token is None:
        return None
    now = timezone.now()
    if not is_alive(token, now):
        if token.expires is None or token.expires > now:
            end(token)  # or it would live again with its user
        return None
    _note_use(token, now)
    return token


def is_alive(token: Token, now: dt.datetime) -> bool:
    if not token.user.is_active or (token.expires and token.expires <= now):
        return False
    return any(constant_time_compare(token.proof, it) for it in proofs_of(token.user))


def proofs_of(user: Any) -> list[str]:
    """What a token of this user may have as its proof: SECRET_KEY may have changed."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


def end(token: Token) -> None:
    Token.objects.filter(pk=token.pk).delete()


def _note_use(token: Token, now: dt.datetime) -> None:
    """Once a minute, so that a request is not a write; of several, one writes."""
    if token.used and (now - token.used).total_seconds() < _NOTED_SECONDS:
        return
    changes: dict[str, Any] = {"used": now}
    if token.scope == Token.LOG_IN:
        changes["expires"] = now + lease()
    try:
        Token.objects.filter(pk=token.pk, used=token.used).update(**changes)
    except OperationalError:  # a locked database: the next request notes it
        logger.info("the use of a token could not be noted")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
