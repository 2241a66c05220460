"""Pages that only some users see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest

from ..auth.permissions import has_permission, scope_filter
from ..storage.handler import storages
from ..storage.orm import OrmAdapter

if TYPE_CHECKING:
    AnyMixin = admin.ModelAdmin[Any]
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyMixin = object
    AnyModelAdmin = admin.ModelAdmin

__all__ = [
    "HoldersOnly",
    "ReadOnlyAdmin",
    "SuperusersChange",
    "SuperusersOnly",
    "is_superuser",
    "uses_tables",
]


class ReadOnlyAdmin(AnyModelAdmin):
    """Read-only rows that name ids, tags and filters."""

    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        seen = super().has_view_permission(request, obj)
        return seen and scope_filter(request.user) is None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


class SuperusersChange(AnyMixin):
    """Only superusers change these."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)


class SuperusersOnly(SuperusersChange):
    """Only superusers see and change these."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)


class HoldersOnly(AnyMixin):
    """Only users that have the ``permission`` and see all entities do anything."""

    permission: str

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user = request.user
        return has_permission(user, self.permission) and scope_filter(user) is None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


def uses_tables() -> bool:
    """False where all storages are in Redis, say: the tables are empty then.

    The explorer looks into any storage.
    """
    held = (storages[alias] for alias in storages)
    return any(
        isinstance(store, OrmAdapter) and store.using == DEFAULT_DB_ALIAS
        for store in held
    )
