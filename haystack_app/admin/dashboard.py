"""Dashboards: who may open them. What they show is edited on their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..auth.dashboards import (
    dashboards_seen_by,
    may_change_dashboard,
    may_delete_dashboard,
)
from ..auth.privileges import groups_seen_by
from ..models import Dashboard
from ..storage.handler import storages
from .mixins import is_superuser

if TYPE_CHECKING:
    DashboardModelAdmin = admin.ModelAdmin[Dashboard]
    DashboardModelForm = forms.ModelForm[Dashboard]
else:
    DashboardModelAdmin = admin.ModelAdmin
    DashboardModelForm = forms.ModelForm

__all__ = ["DashboardAdmin"]


class DashboardForm(DashboardModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "storage" in self.fields:  # not on a page that only shows it
            names = [(alias, alias) for alias in storages]
            self.fields["storage"] = forms.ChoiceField(
                label=gettext("Project"), choices=names
            )


@admin.register(Dashboard)
class DashboardAdmin(DashboardModelAdmin):
    """Users see and change here what they may see and change on its page."""

    form = DashboardForm
    list_display = ("title", "owner", "storage", "everyone", "changed", "page")
    list_select_related = ("owner",)
    search_fields = ("title", "slug")
    show_full_result_count = False
    filter_horizontal = ("groups",)
    prepopulated_fields = {"slug": ("title",)}
    raw_id_fields = ("owner",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dashboard]:
        return dashboards_seen_by(request.user).order_by("title", "slug")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Dashboard | None = None
    ) -> tuple[str, ...]:
        """Only superusers choose the owner."""
        return ("page",) if is_superuser(request) else ("page", "owner")

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Groups that the editor may know of."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and field.queryset is not None:
            field.queryset = groups_seen_by(request.user, field.queryset)
        return field

    def has_change_permission(
        self, request: HttpRequest, obj: Dashboard | None = None
    ) -> bool:
        if obj is None:
            return super().has_change_permission(request)
        return may_change_dashboard(request.user, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: Dashboard | None = None
    ) -> bool:
        if obj is None:
            return super().has_delete_permission(request)
        return may_delete_dashboard(request.user, obj)

    def save_model(
        self, request: HttpRequest, obj: Dashboard, form: Any, change: bool
    ) -> None:
        """The editor owns a new one; each change counts as a version."""
        if not change and obj.owner_id is None:
            obj.owner_id = request.user.pk
        obj.version += change
        super().save_model(request, obj, form, change)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Groups that the editor cannot know of are kept."""
        groups = form.instance.groups
        known = groups_seen_by(request.user, Group.objects.all())
        hidden = list(groups.exclude(pk__in=known.values("pk")))
        super().save_related(request, form, formsets, change)
        groups.add(*hidden)

    @admin.display(description=_("page"))
    def page(self, dashboard: Dashboard) -> SafeString | str:
        if dashboard.pk is None:
            return ""
        url = reverse("haystack:dashboard", args=[dashboard.slug])
        return format_html('<a href="{}">{}</a>', url, gettext("open"))
