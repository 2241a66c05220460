"""The caller: the user and the token of a request, and what both allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied

from ..filters.ast import Filter
from ..filters.guards import Guard
from ..models import Token
from .guards import guard_for
from .permissions import has_permission, scope_filter, scope_texts

__all__ = ["ADMIN", "READ", "WRITE", "Caller"]

READ, WRITE, ADMIN = _TOKEN_SCOPES = (Token.READ, Token.WRITE, Token.ADMIN)
"""Scopes of API tokens; each includes those before it."""


def _no_op() -> None:
    """For HTTP Basic, which has no login to end."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user; ``token`` is None for Basic and sessions.

    ``log_out`` ends the login that the request was authenticated by.
    """

    user: Any
    token: Token | None = None
    log_out: Callable[[], None] = _no_op

    @property
    def username(self) -> str:
        name: str = self.user.get_username()
        return name

    @property
    def scope(self) -> Filter | None:
        """The filter of the entities that the user may see; None for all."""
        return scope_filter(self.user)

    @property
    def scope_texts(self) -> tuple[str, ...]:
        """The filters that ``scope`` is made of."""
        return () if self.user.is_superuser else scope_texts(self.user)

    def guard(self) -> Guard:
        """What the user may set, if there is a scope."""
        return guard_for(self.user)

    def has_permission(self, permission: str) -> bool:
        """Whether the user has a permission of this app, given by its codename."""
        return has_permission(self.user, permission)

    def token_covers(self, scope: str) -> bool:
        """Whether the token includes a scope; the token of a login includes all."""
        if self.token is None or self.token.scope == Token.LOGIN:
            return True
        held = _TOKEN_SCOPES.index(self.token.scope)
        return held >= _TOKEN_SCOPES.index(scope)

    def check(self, permission: str, token_scope: str) -> None:
        """Raises PermissionDenied. Every user has the empty permission."""
        if not self.token_covers(token_scope):
            raise PermissionDenied(f"token scope {token_scope!r} required")
        if permission and not self.has_permission(permission):
            raise PermissionDenied(f"permission {permission!r} required")
