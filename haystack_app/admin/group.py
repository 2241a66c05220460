"""Groups with what their members may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group

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
    inlines = (ScopeInline,)
