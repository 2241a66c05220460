"""Pages of users, with the same bounds as ``/api/users/``.

Django's own let every user with the permission to change users become a superuser,
or set the password of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from ..auth.privileges import privileges_of

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = object

__all__ = ["UserAdmin", "UserAdminMixin"]

_OF_SUPERUSERS = ("is_superuser", "is_staff", "user_permissions")


class UserAdminMixin(AnyModelAdmin):
    """Before a ``UserAdmin``: what users who aren't superusers must not change.

    That is the flags and permissions of any user, and everything of users who may do
    more, or see more, than they.
    """

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = super().get_readonly_fields(request, obj)
        return names if _is_superuser(request) else (*names, *_OF_SUPERUSERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _covers(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _covers(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        if not all(_covers(request, user) for user in queryset):
            raise PermissionDenied
        super().delete_queryset(request, queryset)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """In the transaction of the page, which a refusal rolls back."""
        before = privileges_of(request.user)  # users may change themselves
        super().save_related(request, form, formsets, change)
        if not before.covers(privileges_of(form.instance)):
            raise PermissionDenied


class UserAdmin(UserAdminMixin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Django's page of ``auth.User`` and of models that extend it."""


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _covers(request: HttpRequest, user: Any) -> bool:
    return user is None or privileges_of(request.user).covers(privileges_of(user))
