"""Groups, and what their members may see.

Only superusers change them: others could give themselves any permission, or remove the
filter of what they see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..auth.privileges import groups_seen_by
from ..models import GroupScope
from .mixins import SuperusersChange

if TYPE_CHECKING:
    ScopeModelAdmin = admin.ModelAdmin[GroupScope]
    ScopeModelInline = admin.StackedInline[GroupScope, Group]
else:
    ScopeModelAdmin = admin.ModelAdmin
    ScopeModelInline = admin.StackedInline

__all__ = ["GroupAdmin", "GroupAdminMixin", "GroupScopeAdmin", "GroupScopeInline"]


class GroupScopeInline(SuperusersChange, ScopeModelInline):
    """The filter of a group, for the group's page."""

    model = GroupScope
    verbose_name_plural = _("what members may see (without a filter: everything)")


class GroupAdminMixin(SuperusersChange):
    """Before a ``GroupAdmin``: the filter of what members see, and who changes it.

    Users with a scope see their own groups, in lists and in fields that name groups.
    """

    inlines = (GroupScopeInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return groups_seen_by(request.user, super().get_queryset(request))


class GroupAdmin(GroupAdminMixin, DjangoGroupAdmin):
    """Django's page of groups."""


@admin.register(GroupScope)
class GroupScopeAdmin(SuperusersChange, ScopeModelAdmin):
    """For projects whose page of groups has no filter."""

    list_display = ("group", "filter")
    list_select_related = ("group",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[GroupScope]:
        seen = groups_seen_by(request.user, Group.objects.all())
        return super().get_queryset(request).filter(group__in=seen)

    def has_module_permission(self, request: HttpRequest) -> bool:
        page = self.admin_site._registry.get(Group)
        is_there = page is not None and GroupScopeInline in page.inlines
        return not is_there and super().has_module_permission(request)
