"""Base64 as clients write it: either alphabet, padded or not (RFC 4648)."""

from __future__ import annotations

import base64

__all__ = ["decode", "plain", "plain_padded", "urlsafe"]

_TO_PLAIN = str.maketrans("-_", "+/")


def decode(text: str) -> bytes:
    """Raises ValueError.

    Whitespace is ignored (pyhaystack's proof ends with a newline). Unused trailing
    bits must be zero (section 3.5), so that an encoding is unique.
    """
    bare = "".join(text.split()).rstrip("=").translate(_TO_PLAIN)
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        raise ValueError("not base64") from None
    if plain(data) != bare:
        raise ValueError("not base64")
    return data


def plain(data: bytes) -> str:
    return plain_padded(data).rstrip("=")


def plain_padded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def urlsafe(data: bytes) -> str:
    """Without padding, as in Haystack's headers."""
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
