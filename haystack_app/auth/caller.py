"""Who makes a request: a user, the token that was sent, and what both allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied

from ..filters.ast import Filter
from ..models import Token
from .permissions import has_permission, scope_filter

__all__ = ["ADMIN", "READ", "WRITE", "Caller"]

READ, WRITE, ADMIN = _TOKEN_SCOPES = (Token.READ, Token.WRITE, Token.ADMIN)
"""Scopes of API tokens, each of which includes those before it."""


def _nothing() -> None:
    """An API token stays valid until it is revoked, and so does Basic."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user; ``token`` is None for Basic and sessions.

    ``log_out`` ends the login that the request came with.
    """

    user: Any
    token: Token | None = None
    log_out: Callable[[], None] = _nothing

    @property
    def username(self) -> str:
        name: str = self.user.get_username()
        return name

    @property
    def scope(self) -> Filter | None:
        """The entities that the user may see; None for all of them."""
        return scope_filter(self.user)

    def may(self, permission: str) -> bool:
        """Whether the user has a permission of this app, by its codename."""
        return has_permission(self.user, permission)

    def token_covers(self, scope: str) -> bool:
        """Whether the token allows what needs a scope; a login allows everything."""
        if self.token is None or self.token.scope == Token.LOG_IN:
            return True
        held = _TOKEN_SCOPES.index(self.token.scope)
        return held >= _TOKEN_SCOPES.index(scope)

    def check(self, permission: str, token_scope: str) -> None:
        """Raises PermissionDenied; an empty permission is held by every user."""
        if not self.token_covers(token_scope):
            raise PermissionDenied(f"token scope {token_scope!r} required")
        if permission and not self.may(permission):
            raise PermissionDenied(f"permission {permission!r} required")
