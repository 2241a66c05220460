"""The SCRAM keys of users.

Unknown usernames, disabled users and users without a SCRAM password get decoy keys,
always the same for one name, so that a challenge does not reveal whether a user
exists.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.crypto import salted_hmac

from . import scram
from .hashers import iterations, keys_of

__all__ = ["Credentials", "get_credentials"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """``user_pk`` is None if the keys are decoys."""

    user_pk: Any
    keys: scram.Keys


def get_credentials(username: str) -> Credentials:
    """The keys for a username, which is matched exactly, by one query for any name.

    It does not instantiate a user: that takes long enough to be measured by clients.
    """
    decoy = _decoy_keys(username)
    users = get_user_model()
    named = {users.USERNAME_FIELD: username}
    rows = users._default_manager.filter(**named)
    found = rows.values_list("pk", "password", "is_active").first()
    pk, encoded, is_active = found or (None, "", False)
    try:
        keys = keys_of(encoded)
    except ValueError:  # another hasher's, until the next login with a password
        is_active = False
    return Credentials(pk, keys) if is_active else Credentials(None, decoy)


def _decoy_keys(username: str) -> scram.Keys:
    """Derived from SECRET_KEY and the name, so they are equal in all processes."""
    secret = salted_hmac("haystack.scram", username, algorithm="sha256").digest()
    salt, stored, server = (
        hmac.digest(secret, use, "sha256") for use in (b"salt", b"stored", b"server")
    )
    return scram.Keys(salt[:16], iterations(), stored, server)
