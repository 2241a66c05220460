"""Connectors: other systems, what became of them, and buttons to try them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..connectors import ConnectorError, ConnectorKind, kind_of, kinds
from ..connectors.kind import clean_settings
from ..connectors.tasks import ask_for
from ..models import Connector, GroupScope, Job
from ..storage.handler import storages
from .mixins import HoldersOnly

if TYPE_CHECKING:
    ConnectorModelAdmin = admin.ModelAdmin[Connector]
    ConnectorModelForm = forms.ModelForm[Connector]
else:
    ConnectorModelAdmin = admin.ModelAdmin
    ConnectorModelForm = forms.ModelForm

__all__ = ["INLINES", "ConnectorAdmin", "ManagersOnly"]

_ACTIONS = {"ping": _("ping"), "learn": _("learn"), "sync": _("sync now")}
"""Buttons, with what is written on them."""
_CANNOT = {
    "ping": _("The kind of %(name)s does not ping."),
    "learn": _("The kind of %(name)s does not learn."),
    "sync": _("The kind of %(name)s does not sync."),
}
_PREFIX = "setting_"
_WRONG_ENTITIES = 100


INLINES: dict[str, list[Any]] = {}
"""Rows that connectors of a kind have on their page, as inlines, by the kind."""


class ManagersOnly(HoldersOnly):
    permission = "manage_connectors"


class NewConnectorForm(ConnectorModelForm):
    """The settings depend on the kind: they are on the next page."""

    class Meta:
        model = Connector
        fields = ("name", "kind", "storage", "group")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = {
            "kind": [(name, kind.label) for name, kind in kinds().items()],
            "storage": [(alias, alias) for alias in storages],
        }
        for name, choices in chosen.items():
            if name in self.fields:
                shown = self.fields[name]
                self.fields[name] = forms.ChoiceField(
                    choices=choices, label=shown.label, help_text=shown.help_text
                )
        if "group" in self.fields:
            field: Any = self.fields["group"]
            with_filter = GroupScope.objects.values("group")
            field.queryset = field.queryset.filter(pk__in=with_filter)


class ConnectorForm(NewConnectorForm):
    """With the fields of the kind's settings, which ``clean`` puts into one."""

    kind_class: type[ConnectorKind] | None = None

    class Meta:
        model = Connector
        fields = ("name", "enabled", "storage", "group")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self._settings():
            held = self.instance.settings.get(name)
            if held is not None:
                self.initial[f"{_PREFIX}{name}"] = held

    def _settings(self) -> Iterable[str]:
        kind = self.kind_class
        return () if kind is None else kind.settings_form.base_fields

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.kind_class is None or self.errors:
            return cleaned
        given = {name: cleaned[f"{_PREFIX}{name}"] for name in self._settings()}
        self.instance.settings = clean_settings(self.kind_class, given)
        return cleaned


@admin.register(Connector)
class ConnectorAdmin(ManagersOnly, ConnectorModelAdmin):
    """Connectors of all kinds."""

    list_display = (
        *("name", "label", "enabled", "state_now", "success", "shown_lag"),
        "shown_error",
    )
    list_filter = ("enabled", "status")
    search_fields = ("name",)
    ordering = ("name",)
    actions = ["ping_selected", "learn_selected", "sync_selected"]
    change_form_template = "admin/haystack_app/connector/change_form.html"
    readonly_fields = (
        *("label", "state_now", "status_since", "success", "shown_lag"),
        *("last_error", "last_error_at", "shown_state", "entities", "wrong_entities"),
    )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return [] if obj is None else INLINES.get(obj.kind, [])

    # -- forms ----------------------------------------------------------------

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            return NewConnectorForm
        try:
            kind = kind_of(obj.kind)
        except ConnectorError:
            return ConnectorForm
        fields = kind.settings_form.base_fields
        named = {f"{_PREFIX}{name}": field for name, field in fields.items()}
        for name, field in fields.items():
            field.label = field.label or capfirst(name.replace("_", " "))
        return type("KindForm", (ConnectorForm,), {**named, "kind_class": kind})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["name", "kind", "storage", "group"]})]
        form = self.get_form(request, obj, change=True)
        settings = [name for name in form.base_fields if name.startswith(_PREFIX)]
        return [
            (None, {"fields": ["name", "label", "enabled", "storage", "group"]}),
            (_("Status"), {"fields": self.readonly_fields[1:]}),
            (_("Settings"), {"fields": settings}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def response_add(
        self, request: HttpRequest, obj: Connector, post_url_continue: Any = None
    ) -> HttpResponse:
        """To the page with the settings of the kind."""
        text = gettext("Now the settings of %(name)s.") % {"name": obj.name}
        self.message_user(request, text)
        return redirect(_page(obj))

    # -- columns --------------------------------------------------------------

    @admin.display(description=_("kind"), ordering="kind")
    def label(self, connector: Connector) -> str:
        known = kinds().get(connector.kind)
        if known:
            return known.label
        return gettext("%(kind)s (not installed)") % {"kind": connector.kind}

    @admin.display(description=_("status"), ordering="status")
    def state_now(self, connector: Connector) -> SafeString:
        text = connector.get_status_display()
        if connector.status == Connector.Status.OK:
            return format_html('<span class="hs-ok">{}</span>', text)
        is_new = connector.status == Connector.Status.NEW
        return format_html(
            '<b class="{}">{}</b>', "hs-soft" if is_new else "hs-bad", text
        )

    @admin.display(description=_("lag"), ordering="lag")
    def shown_lag(self, connector: Connector) -> str:
        return "" if connector.lag is None else f"{connector.lag:,.0f} s"

    @admin.display(description=_("last success"), ordering="last_success_at")
    def success(self, connector: Connector) -> str:
        at = connector.last_success_at
        return "" if at is None else gettext("%(time)s ago") % {"time": timesince(at)}

    @admin.display(description=_("last error"))
    def shown_error(self, connector: Connector) -> str:
        is_ok = connector.status == Connector.Status.OK
        return "" if is_ok else Truncator(connector.last_error).chars(120)

    @admin.display(description=_("last results"))
    def shown_state(self, connector: Connector) -> SafeString:
        state = connector.state
        text = json.dumps(state, indent=1, cls=DjangoJSONEncoder) if state else "-"
        return format_html('<pre class="hs-state">{}</pre>', text)

    @admin.display(description=_("entities"))
    def entities(self, connector: Connector) -> str:
        return f"{connector.entities.count():,}"

    @admin.display(description=_("entities not in step"))
    def wrong_entities(self, connector: Connector) -> SafeString:
        wrong = connector.entities.exclude(error="").order_by("entity_id")
        rows = wrong.values_list("entity_id", "error")[: _WRONG_ENTITIES + 1]
        lines = [f"@{id}: {text}" for id, text in rows]
        if len(lines) > _WRONG_ENTITIES:
            lines[_WRONG_ENTITIES:] = [gettext("and more")]
        return format_html('<pre class="hs-state">{}</pre>', "\n".join(lines) or "-")

    # -- buttons --------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        ask = self.admin_site.admin_view(self.ask)
        own = path(
            "<path:object_id>/ask/<slug:action>/",
            ask,
            name="haystack_app_connector_ask",
        )
        return [own, *super().get_urls()]

    def ask(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        """Make a job of a button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        connector = self.get_object(request, unquote(object_id))
        if connector is None or action not in (*_ACTIONS, "confirm"):
            raise Http404
        self._ask(request, connector, action)
        return redirect(_page(connector))

    def _ask(self, request: HttpRequest, connector: Connector, action: str) -> None:
        more = {"confirmed": True} if action == "confirm" else {}
        job = ask_for(request.user, connector, "learn" if more else action, **more)
        link = format_html('<a href="{}">{}</a>', _job_page(job), job.title)
        self.message_user(request, format_html(gettext("Asked for: {}."), link))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        obj: Connector | None = kwargs.get("obj")
        if obj is not None:
            buttons = [(action, _can(obj, action)) for action in _ACTIONS]
            context |= {
                "buttons": [(name, _ACTIONS[name]) for name, can in buttons if can],
                "needs_confirmation": obj.status == Connector.Status.CONFIRM,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description=_("Ping selected connectors"))
    def ping_selected(
        self, request: HttpRequest, queryset: QuerySet[Connector]
    ) -> None:
        self._ask_all(request, queryset, "ping")

    @admin.action(description=_("Learn entities of selected connectors"))
    def learn_selected(
        self, request: HttpRequest, queryset: QuerySet[Connector]
    ) -> None:
        self._ask_all(request, queryset, "learn")

    @admin.action(description=_("Sync selected connectors now"))
    def sync_selected(
        self, request: HttpRequest, queryset: QuerySet[Connector]
    ) -> None:
        self._ask_all(request, queryset, "sync")

    def _ask_all(
        self, request: HttpRequest, queryset: QuerySet[Connector], action: str
    ) -> None:
        for connector in queryset:
            if _can(connector, action):
                self._ask(request, connector, action)
            else:
                text = _CANNOT[action] % {"name": connector.name}
                self.message_user(request, text, messages.WARNING)


def _can(connector: Connector, action: str) -> bool:
    kind = kinds().get(connector.kind)
    if kind is None:
        return False
    if action == "sync":
        return kind.can_read_current or kind.can_sync_history
    return kind.can_ping if action == "ping" else kind.can_learn


def _page(connector: Connector) -> str:
    return reverse("admin:haystack_app_connector_change", args=[connector.pk])


def _job_page(job: Job) -> str:
    return reverse("admin:haystack_app_job_change", args=[job.pk])
