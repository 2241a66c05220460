"""Django's pages of users, with the same bounds as ``/api/users/``.

Django's own let everybody with the right to change users make themselves
superusers, or set the password of one.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from ..auth.privileges import privileges_of

__all__ = ["UserAdmin"]

User = get_user_model()
_OF_SUPERUSERS = ("is_superuser", "is_staff", "user_permissions")

if admin.site.is_registered(User):
    admin.site.unregister(User)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
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
        """In the transaction of the page, which a refusal takes back."""
        reach = privileges_of(request.user)  # that of before, if it is oneself
        super().save_related(request, form, formsets, change)
        if not reach.covers(privileges_of(form.instance)):
            raise PermissionDenied


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _covers(request: HttpRequest, user: Any) -> bool:
    return user is None or privileges_of(request.user).covers(privileges_of(user))
