"""Groups with what their members may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from ..models import GroupScope

if TYPE_CHECKING:
    ScopeModelInline = admin.StackedInline[GroupScope, Group]
else:
    ScopeModelInline = admin.StackedInline

__all__ = ["ScopedGroupAdmin"]


class ScopeInline(ScopeModelInline):
    model = GroupScope
    verbose_name_plural = "what members may see (without a filter: everything)"


admin.site.unregister(Group)


@admin.register(Group)
class ScopedGroupAdmin(GroupAdmin):
    """Only superusers change groups.

    Others could give themselves any right, or take the filter from what they see.
    """

    inlines = (ScopeInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_change_permission(
        self, request: HttpRequest, obj: Group | None = None
    ) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_delete_permission(
        self, request: HttpRequest, obj: Group | None = None
    ) -> bool:
        return bool(getattr(request.user, "is_superuser", False))
