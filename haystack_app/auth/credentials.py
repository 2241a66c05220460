"""Whose keys a handshake is about.

Names that nobody has, disabled users and users without a SCRAM password get keys
too, always the same for one name, so that a challenge tells nothing about them.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.crypto import salted_hmac

from . import scram
from .hashers import iterations, keys_of

__all__ = ["Credentials", "credentials_of"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """``user_pk`` is None where the keys are made up."""

    user_pk: Any
    keys: scram.Keys


def credentials_of(username: str) -> Credentials:
    """One query, whoever it is; the name is matched exactly.

    It fetches no user: making one takes long enough to be seen from outside.
    """
    made_up = _made_up(username)
    users = get_user_model()
    named = {users.USERNAME_FIELD: username}
    rows = users._default_manager.filter(**named)
    found = rows.values_list("pk", "password", "is_active").first()
    pk, encoded, is_active = found or (None, "", False)
    try:
        keys = keys_of(encoded)
    except ValueError:  # a hash of before, until the next log-in with a password
        is_active = False
    return Credentials(pk, keys) if is_active else Credentials(None, made_up)


def _made_up(username: str) -> scram.Keys:
    """From SECRET_KEY and the name: the same in every process, for ever."""
    secret = salted_hmac("haystack.scram", username, algorithm="sha256").digest()
    salt, stored, server = (
        hmac.digest(secret, use, "sha256") for use in (b"salt", b"stored", b"server")
    )
    return scram.Keys(salt[:16], iterations(), stored, server)
