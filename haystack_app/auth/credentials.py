"""The SCRAM keys of users.

Unknown usernames, disabled users and users without a SCRAM password get decoy keys,
always the same for one name, so that a challenge does not reveal whether a user
exists. Their iterations are those of stored passwords, which differ where the setting
was changed and users have not logged in with their password since.
"""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Value
from django.db.models.functions import StrIndex, Substr
from django.utils.crypto import salted_hmac

from . import scram
from .hashers import PREFIX, iterations, keys_of

__all__ = ["Credentials", "get_credentials"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """``user_pk`` is None if the keys are decoys."""

    user_pk: Any
    keys: scram.Keys


def get_credentials(username: str) -> Credentials:
    """The keys for a username, which is matched exactly, by the same queries for any.

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
    return scram.Keys(salt[:16], _decoy_iterations(secret), stored, server)


def _decoy_iterations(secret: bytes) -> int:
    """One of the stored counts, as often as users have it.

    By rendezvous hashing, so that a name keeps its count while the numbers of users
    change a little.
    """
    users = _stored_counts()

    def score(count: int) -> float:
        digest = hmac.digest(secret, b"iterations %d" % count, "sha256")
        drawn = (int.from_bytes(digest[:6], "big") + 1) / 2**48
        return math.log(drawn) / users[count]

    return max(users, key=score) if users else iterations()


def _stored_counts() -> dict[int, int]:
    """Users by the iterations of their password. Not cached: a first query would be
    longer than others.
    """
    rest = Substr("password", len(PREFIX) + 2)
    users = get_user_model()._default_manager.filter(
        is_active=True, password__startswith=f"{PREFIX}$"
    )
    rows = (
        users.annotate(count=Substr(rest, 1, StrIndex(rest, Value("$")) - 1))
        .order_by()
        .values_list("count")
        .annotate(Count("pk"))
    )
    return {int(count): number for count, number in rows if count.isdecimal()}
