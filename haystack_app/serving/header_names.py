"""Names of the headers of a log-in, spelt as the specifications spell them.

Case means nothing in a header's name, but some clients look for
``WWW-Authenticate`` letter by letter (pyhaystack does), and every layer below
Django's answer, uvicorn itself included, writes names in lower case.
"""

from __future__ import annotations

__all__ = ["SPELT"]


class Spelt(bytes):
    """A header's name that uvicorn writes as it is: it asks each for ``lower()``."""

    def lower(self) -> bytes:
        return self


SPELT = {
    bytes(name).lower(): name
    for name in (Spelt(b"WWW-Authenticate"), Spelt(b"Authentication-Info"))
}
