"""Webhooks, and what became of their deliveries."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..auth.permissions import has_permission
from ..conf import limit
from ..models import Webhook, WebhookDelivery
from ..storage.handler import storages
from ..webhooks import deliveries, signatures
from ..webhooks.view import CannotSee
from .mixins import is_superuser
from .pagination import BoundedPaginator

if TYPE_CHECKING:
    WebhookModelAdmin = admin.ModelAdmin[Webhook]
    DeliveryModelAdmin = admin.ModelAdmin[WebhookDelivery]
    WebhookModelForm = forms.ModelForm[Webhook]
else:
    WebhookModelAdmin = DeliveryModelAdmin = admin.ModelAdmin
    WebhookModelForm = forms.ModelForm

__all__ = ["WebhookAdmin", "WebhookDeliveryAdmin"]

_SHOWN = _("Copy the secret of {} now, it is not shown again: {}")

_ABOUT = _("webhook %(webhook)s: %(what)s")


class WebhookForm(WebhookModelForm):
    """``user`` is the editor, and the owner unless a superuser chooses another."""

    user: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(alias, alias) for alias in storages]
        self.fields["storage"] = forms.ChoiceField(
            label=self.fields["storage"].label, choices=names
        )
        if "owner" not in self.fields and self.instance.pk is None:
            self.instance.owner = self.user

    def clean(self) -> dict[str, Any] | None:
        """Names are unique for each owner, and webhooks counted."""
        cleaned = super().clean() or {}
        owner = cleaned.get("owner") or getattr(self.instance, "owner", None)
        if owner is None:
            return cleaned
        others = Webhook.objects.filter(owner=owner).exclude(pk=self.instance.pk)
        if others.filter(name=cleaned.get("name", "")).exists():
            self.add_error(
                "name", gettext("a webhook of this owner with this name exists")
            )
        most = limit("WEBHOOKS")
        if self.instance.pk is None and others.count() >= most:
            text = gettext("a user may have %(most)s webhooks at most")
            raise ValidationError(text % {"most": f"{most:,}"})
        return cleaned


@admin.register(Webhook)
class WebhookAdmin(WebhookModelAdmin):
    """Users who are not superusers see and change only webhooks of their own.

    Otherwise a webhook would send them what another user may see.
    """

    form = WebhookForm
    list_display = ("name", "owner", "shown_url", "enabled", "failing_since", "log")
    list_filter = ("enabled",)
    list_select_related = ("owner",)
    search_fields = ("name", "url")
    show_full_result_count = False
    readonly_fields = ("secret", "note", "failing_since", "log")
    actions = ("send_test", "renew_secret", "skip_waiting")
    fieldsets = (
        (None, {"fields": ("name", "owner", "url", "enabled", "note", "log")}),
        (_("What is sent"), {"fields": ("storage", "filter", "with_tags")}),
        (
            _("When"),
            {
                "fields": (
                    *("on_created", "on_updated", "on_removed", "on_override"),
                    *("limit_tag", "limit_op", "limit", "hysteresis"),
                    *("on_connector", "on_alarm"),
                )
            },
        ),
        (_("Security"), {"fields": ("secret",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Webhook | None = None) -> Any:
        """Only superusers choose the owner."""
        found = super().get_fieldsets(request, obj)
        if is_superuser(request):
            return found
        (title, first), *others = found
        fields = [name for name in first["fields"] if name != "owner"]
        return [(title, {**first, "fields": fields}), *others]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        return type("WebhookForm", (form,), {"user": request.user})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        found = super().get_queryset(request)
        return found if is_superuser(request) else found.filter(owner=request.user.pk)

    @admin.display(description="URL", ordering="url")
    def shown_url(self, webhook: Webhook) -> str:
        return webhook.url if len(webhook.url) <= 60 else f"{webhook.url[:58]}.."

    @admin.display(description=_("deliveries"))
    def log(self, webhook: Webhook) -> str:
        if webhook.pk is None:
            return ""
        path = reverse("admin:haystack_app_webhookdelivery_changelist")
        query = f"webhook__id__exact={webhook.pk}"
        link = '<a href="{}?{}">{}</a>'
        return format_html(link, path, query, gettext("deliveries"))

    @admin.display(description=_("secret"))
    def secret(self, webhook: Webhook) -> str:
        if webhook.pk is None:
            return gettext("It is shown once, when the webhook is saved.")
        return gettext("It is not shown. The action “Make a new secret” replaces it.")

    def save_model(
        self, request: HttpRequest, obj: Webhook, form: Any, change: bool
    ) -> None:
        """What the delivery job writes at the same time stays."""
        if change:
            obj.save(update_fields=[*form.fields])
            deliveries.retry_now(obj)
            return
        obj.save()
        self._show_secret(request, obj, signatures.secret_of(obj))

    def _show_secret(self, request: HttpRequest, webhook: Webhook, secret: str) -> None:
        shown = format_html("<code>{}</code>", secret)
        messages.warning(request, format_html(str(_SHOWN), webhook, shown))

    @admin.action(description=_("Send a test event"), permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset.select_related("owner")[:5]:
            try:
                answer = deliveries.send_test(webhook)
            except CannotSee as error:
                text = _ABOUT % {"webhook": webhook, "what": error}
                messages.error(request, text)
                continue
            what = answer.error or gettext("answered %(status)s") % {
                "status": answer.status
            }
            text = _ABOUT % {"webhook": webhook, "what": what}
            level = messages.SUCCESS if answer.is_success else messages.ERROR
            messages.add_message(request, level, text)

    @admin.action(description=_("Make a new secret"), permissions=["change"])
    def renew_secret(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            secret = signatures.new_secret(webhook)
            webhook.save(update_fields=["salt"])
            self._show_secret(request, webhook, secret)

    @admin.action(description=_("Skip all that waits"), permissions=["change"])
    def skip_waiting(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            count = deliveries.skip(webhook)
            what = ngettext(
                "skipped %(count)s delivery, and all after",
                "skipped %(count)s deliveries, and all after",
                count,
            ) % {"count": count}
            text = _ABOUT % {"webhook": webhook, "what": what}
            messages.success(request, text)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(DeliveryModelAdmin):
    """Deliveries of the webhooks that the user sees, without what they say."""

    list_display = (
        *("uuid", "webhook", "status", "created", "kinds", "attempts", "last_at"),
        *("answer_status", "error", "next_at"),
    )
    list_filter = ("status", ("webhook", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("webhook",)
    ordering = ("-id",)
    paginator = BoundedPaginator
    show_full_result_count = False
    actions = ("resend",)
    fields = (*list_display, "refused", "answer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        found = super().get_queryset(request)
        if is_superuser(request):
            return found
        return found.filter(webhook__owner=request.user.pk)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        names = ("view_webhook", "change_webhook")
        return any(has_permission(request.user, name) for name in names)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are deleted with their webhook."""
        return has_permission(request.user, "delete_webhook")

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return has_permission(request.user, "change_webhook")

    @admin.display(description=_("events"))
    def kinds(self, delivery: WebhookDelivery) -> str:
        """Ids and tags are not shown: what the user may see may have changed since."""
        counts = Counter(event["kind"] for event in delivery.events)
        found = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
        return found or f"{delivery.count:,}"

    @admin.action(description=_("Send again"), permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        done = sum(deliveries.resend(one) for one in queryset.defer("answer"))
        text = ngettext(
            "%(count)s delivery will be sent again.",
            "%(count)s deliveries will be sent again.",
            done,
        )
        messages.success(request, text % {"count": done})
