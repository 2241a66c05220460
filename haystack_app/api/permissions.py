"""Permission classes for users and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from ..auth.caller import ADMIN, READ, WRITE
from ..auth.permissions import has_permission
from ..auth.roles import VIEW
from .authentication import get_caller

__all__ = [
    "CommitPermission",
    "DashboardPermission",
    "EntityPermission",
    "JobPermission",
    "TokenScope",
    "UserPermission",
]

_ENTITY = {
    "POST": "add_entity",
    "PATCH": "change_entity",
    "DELETE": "delete_entity",
}
_USER = {
    "GET": "view",
    "HEAD": "view",
    "POST": "add",
    "PATCH": "change",
    "DELETE": "delete",
}


class TokenScope(BasePermission):
    """Tokens need the scope ``read`` to read a resource, and ``admin`` to change it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = READ if request.method in SAFE_METHODS else ADMIN
        self.message = f"token scope {needed!r} required"
        return get_caller(request).token_covers(needed)


class JobPermission(BasePermission):
    """Every user has jobs of their own; a token needs ``write`` to cancel one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = READ if request.method in SAFE_METHODS else WRITE
        self.message = f"token scope {needed!r} required"
        return get_caller(request).token_covers(needed)


class EntityPermission(BasePermission):
    """Requires Django's permissions on entities."""

    needed: Mapping[str, str] = _ENTITY

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = self.needed.get(request.method or "", VIEW)
        self.message = f"permission {needed!r} required"
        return request.method == "OPTIONS" or has_permission(request.user, needed)


class CommitPermission(EntityPermission):
    """As for the op ``commit``."""

    needed = {"POST": "change_entity"}


class DashboardPermission(EntityPermission):
    """Who may change or delete one depends on the dashboard."""

    needed = {"POST": "add_dashboard"}


class UserPermission(BasePermission):
    """Requires Django's permissions on users."""

    def has_permission(self, request: Request, view: Any) -> bool:
        action = _USER.get(request.method or "")
        if action is None:
            return True  # OPTIONS, or not allowed
        meta = get_user_model()._meta
        needed = f"{meta.app_label}.{action}_{meta.model_name}"
        self.message = f"permission {needed!r} required"
        return bool(request.user.has_perm(needed))
