"""The header fields of Haystack's authentication: parsed leniently, written strictly.

Source: docHaystack Auth, RFC 7235 section 2.1. Clients write schemes and names in
any case and order. The simplest clients can parse the answers: one challenge, no
quotes, parameters in alphabetical order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Authorization", "MalformedHeader", "authentication_info", "challenge"]

_LONGEST = 16_384
_PARAMETER = re.compile(r'([A-Za-z0-9_.-]+)[ \t]*=[ \t]*(?:"([^"\\]*)"|([^\s",]*))')


class MalformedHeader(ValueError):
    pass


@dataclass(frozen=True, slots=True)
class Authorization:
    """The value of a request's header: the scheme in lower case, and the rest."""

    scheme: str = ""
    rest: str = field(default="", repr=False)

    @classmethod
    def parse(cls, header: str) -> Authorization:
        scheme, *rest = header.strip().split(None, 1)[:2] or [""]
        return cls(scheme.lower(), rest[0].strip() if rest else "")

    def bearer(self) -> str:
        """``BEARER authToken=..``, or the token alone (RFC 6750)."""
        if "=" not in self.rest:
            return self.rest
        try:
            return self.parameters().get("authtoken", "")
        except MalformedHeader:
            return ""

    def parameters(self) -> dict[str, str]:
        """Parameters by lower-case name. Raises MalformedHeader."""
        if len(self.rest) > _LONGEST:
            raise MalformedHeader("the Authorization header is too long")
        found: dict[str, str] = {}
        for piece in filter(None, map(str.strip, self.rest.split(","))):
            match = _PARAMETER.fullmatch(piece)
            if not match or match[1].lower() in found:
                raise MalformedHeader("the Authorization header is malformed")
            found[match[1].lower()] = match[2] or match[3] or ""
        return found


def challenge(*, data: str = "", token: str = "") -> str:
    """The value of ``WWW-Authenticate``; without arguments, only the scheme."""
    parts = {"data": data, "handshakeToken": token, "hash": "SHA-256"}
    return "scram " + _joined(parts)


def authentication_info(*, token: str, data: str) -> str:
    return _joined({"authToken": token, "data": data, "hash": "SHA-256"})


def _joined(parts: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parts.items() if value)
