"""Rules of alarms, with their dry runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..alarms.dry_run import DAYS, dry_run
from ..alarms.validation import check_fit
from ..auth.roles import CHANGE_RULES
from ..models import AlarmRule
from ..storage.handler import storages
from ..wire.errors import ParseError
from .mixins import HoldersOnly

if TYPE_CHECKING:
    RuleModelAdmin = admin.ModelAdmin[AlarmRule]
    RuleModelForm = forms.ModelForm[AlarmRule]
else:
    RuleModelAdmin = admin.ModelAdmin
    RuleModelForm = forms.ModelForm

__all__ = ["AlarmRuleAdmin"]


class RuleForm(RuleModelForm):
    """``warnings`` are about points that the rule does not fit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(alias, alias) for alias in storages]
        self.fields["storage"] = forms.ChoiceField(
            label=self.fields["storage"].label, choices=names
        )
        self.warnings: list[str] = []

    def _post_clean(self) -> None:
        """After the model's own checks, those with its points."""
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if self.errors:
            return
        try:
            self.warnings = check_fit(self.instance)
        except ValidationError as error:
            self.add_error(None, error)


@admin.register(AlarmRule)
class AlarmRuleAdmin(HoldersOnly, RuleModelAdmin):
    """For users that may change rules and see all entities."""

    permission = CHANGE_RULES
    form = RuleForm
    list_display = (
        *("name", "enabled", "severity", "filter", "points", "problem"),
        "maintenance_until",
    )
    list_filter = ("enabled", "severity")
    search_fields = ("name", "filter", "text")
    readonly_fields = ("points", "problem")
    change_form_template = "admin/haystack_app/alarmrule/change_form.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("name", "enabled", "severity", "text", "storage", "filter"),
                    *("points", "problem"),
                )
            },
        ),
        (
            _("Condition"),
            {
                "fields": (
                    *("measure", "window_seconds", "op", "operand", "value", "path"),
                    *("tolerance", "hysteresis", "delay_seconds"),
                )
            },
        ),
        (
            _("When nothing is raised"),
            {"fields": ("suppress", "maintenance_until", "maintenance_reason")},
        ),
        (_("Mail"), {"fields": ("mail_to", "escalate_minutes", "escalate_to")}),
    )

    def save_model(
        self, request: HttpRequest, obj: AlarmRule, form: Any, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        for warning in form.warnings:
            messages.warning(request, warning)

    # -- dry run --------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<path:object_id>/dry-run/",
            self.admin_site.admin_view(self.dry_run),
            name="haystack_app_alarmrule_dry_run",
        )
        return [own, *super().get_urls()]

    def dry_run(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the rule would have raised in the last days."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rule = self.get_object(request, unquote(object_id))
        if rule is None or rule.storage not in storages:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Dry run of %(rule)s") % {"rule": rule},
            "opts": self.opts,
            "rule": rule,
            "days": DAYS,
        }
        try:
            context["run"] = dry_run(storages[rule.storage], rule, timezone.now())
        except ParseError as error:
            context["problem"] = gettext("not a Haystack filter: %(error)s") % {
                "error": error
            }
        template = "admin/haystack_app/alarmrule/dry_run.html"
        return TemplateResponse(request, template, context)
