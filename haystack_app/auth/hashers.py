"""A password hasher that stores what SCRAM needs.

``scram$<iterations>$<salt>$<StoredKey>$<ServerKey>``, base64 without padding: at
most 128 characters, the length of Django's field. Stored passwords cannot be used to
log in: that requires ClientKey, of which StoredKey is the hash (RFC 5802 section 9).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.encoding import force_bytes

from ..conf import app_settings
from . import encoding, scram

__all__ = ["PREFIX", "ScramHasher", "iterations", "keys_of"]

_SALT_BYTES = 16
PREFIX = "scram"


def iterations() -> int:
    """``HAYSTACK["SCRAM_ITERATIONS"]``."""
    count: int = app_settings.SCRAM_ITERATIONS
    return count


def keys_of(encoded: str) -> scram.Keys:
    """The keys of a stored password. Raises ValueError for those of other hashers."""
    algorithm, count, salt, stored, server = encoded.split("$")
    if algorithm != PREFIX:
        raise ValueError("not a SCRAM password")
    decoded = map(encoding.decode, (salt, stored, server))
    return scram.Keys(next(decoded), int(count), next(decoded), next(decoded))


class ScramHasher(BasePasswordHasher):
    """For the first place of ``PASSWORD_HASHERS``."""

    algorithm = PREFIX

    def salt(self) -> str:
        return encoding.plain(secrets.token_bytes(_SALT_BYTES))

    def encode(self, password: str | bytes, salt: str) -> str:
        """``salt`` is base64 of at least 16 bytes."""
        decoded = encoding.decode(salt)
        if len(decoded) < _SALT_BYTES:
            raise ValueError("salt must be base64 of at least 16 bytes")
        keys = scram.derive(force_bytes(password), decoded, iterations())
        parts = map(encoding.plain, (keys.salt, keys.stored, keys.server))
        return "$".join((PREFIX, str(keys.iterations), *parts))

    def decode(self, encoded: str) -> dict[str, Any]:
        keys = keys_of(encoded)
        return {
            "algorithm": PREFIX,
            "iterations": keys.iterations,
            "salt": encoding.plain(keys.salt),
            "hash": encoding.plain(keys.stored),
        }

    def verify(self, password: str | bytes, encoded: str) -> bool:
        keys = keys_of(encoded)
        made = scram.derive(force_bytes(password), keys.salt, keys.iterations)
        return hmac.compare_digest(made.stored + made.server, keys.stored + keys.server)

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        """Nothing of the keys: SCRAM tells the salt to anyone that knows a username,
        so that some characters of StoredKey would suffice to search for the password.
        """
        decoded = self.decode(encoded)
        return {name: decoded[name] for name in ("algorithm", "iterations")}

    def must_update(self, encoded: str) -> bool:
        return keys_of(encoded).iterations != iterations()

    def harden_runtime(self, password: str | bytes, encoded: str) -> None:
        keys = keys_of(encoded)
        missing = iterations() - keys.iterations
        if missing > 0:
            hashlib.pbkdf2_hmac("sha256", force_bytes(password), keys.salt, missing)
