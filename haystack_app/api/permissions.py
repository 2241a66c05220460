"""What an API token may do: its scope, and never more than its user."""

from __future__ import annotations

from typing import Any, Protocol

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from ..auth.roles import OPERATING, VIEW
from ..models import Token
from ..ops import Op

__all__ = ["Scoped", "TokenScope", "covers", "scope_of"]

_ORDER = [Token.READ, Token.WRITE, Token.ADMIN]


class Scoped(Protocol):
    def needed_scope(self, request: Request) -> str:
        """The least scope that a token needs for this request."""


class TokenScope(BasePermission):
    """For views that are ``Scoped``; a log-in has no scope, and no limit."""

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = view.needed_scope(request)
        scope = getattr(request.auth, "scope", "")
        self.message = f"the token may {scope}, this needs {needed}"
        return covers(request.auth, needed)


def covers(auth: Any, needed: str) -> bool:
    """Whether a log-in, or a token within its scope, may do what needs a scope."""
    if not isinstance(auth, Token) or auth.scope == Token.LOG_IN:
        return True
    return _ORDER.index(auth.scope) >= _ORDER.index(needed)


def scope_of(op: Op | None, method: str | None) -> str:
    """Of a call of an op; what is refused anyway (GET of hisWrite, say) needs none."""
    if op is None or method in SAFE_METHODS or op.only_asks:
        return Token.READ
    if op.permission in OPERATING:
        return Token.WRITE
    if op.permission in ("", VIEW):
        return Token.WRITE if op.side_effects else Token.READ
    return Token.ADMIN
