"""Rules of connectors to MQTT brokers, and topics that no point takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ..connectors import ConnectorError, kind_of
from ..connectors.mqtt.kind import rule_of, write_rule_of
from ..connectors.mqtt.new_points import make_points
from ..models import Connector, MqttTopic, MqttUnknownTopic, MqttWrite
from .connector import INLINES, ManagersOnly

if TYPE_CHECKING:
    TopicModelForm = forms.ModelForm[MqttTopic]
    WriteModelForm = forms.ModelForm[MqttWrite]
    TopicInlineBase = admin.StackedInline[MqttTopic, Connector]
    WriteInlineBase = admin.TabularInline[MqttWrite, Connector]
    UnknownTopicModelAdmin = admin.ModelAdmin[MqttUnknownTopic]
else:
    TopicModelForm = WriteModelForm = forms.ModelForm
    TopicInlineBase, WriteInlineBase = admin.StackedInline, admin.TabularInline
    UnknownTopicModelAdmin = admin.ModelAdmin

__all__ = ["UnknownTopicAdmin"]

_SHOWN = 5


def _check(make: Any, cleaned: Mapping[str, Any] | None) -> dict[str, Any]:
    """Raises ValidationError for what cannot be a rule."""
    given = dict(cleaned or {})
    try:
        make(given)
    except KeyError:  # a field has an error of its own
        pass
    except ValueError as error:
        raise ValidationError(str(error)) from None
    return given


class TopicForm(TopicModelForm):
    def clean(self) -> dict[str, Any]:
        return _check(rule_of, super().clean())


class WriteForm(WriteModelForm):
    def clean(self) -> dict[str, Any]:
        return _check(write_rule_of, super().clean())


class TopicInline(ManagersOnly, TopicInlineBase):
    model = MqttTopic
    form = TopicForm
    extra = 0
    verbose_name = _("topic")
    verbose_name_plural = _("topics to points")
    fields = (
        ("topic", "enabled"),
        ("find", "target"),
        ("value", "time"),
        ("status", "unit"),
        "retained",
    )


class WriteInline(ManagersOnly, WriteInlineBase):
    model = MqttWrite
    form = WriteForm
    extra = 0
    verbose_name = _("topic")
    verbose_name_plural = _("writes to topics")


INLINES["mqtt"] = [TopicInline, WriteInline]


@admin.register(MqttUnknownTopic)
class UnknownTopicAdmin(ManagersOnly, UnknownTopicModelAdmin):
    """Topics that no point takes; points can be made of them."""

    list_display = (
        *("topic", "connector", "reason", "messages", "last_payload", "last_at"),
    )
    list_filter = ("connector",)
    search_fields = ("topic", "reason")
    list_select_related = ("connector",)
    list_display_links = None
    show_full_result_count = False
    actions = ["make_points"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of the list, for its actions; single rows have no page."""
        return obj is None and super().has_change_permission(request, obj)

    @admin.action(description=_("Make points of selected topics"))
    def make_points(
        self, request: HttpRequest, queryset: QuerySet[MqttUnknownTopic]
    ) -> None:
        made = 0
        errors: list[str] = []
        for connector in Connector.objects.filter(mqtt_unknown_topics__in=queryset):
            rows = queryset.filter(connector=connector)
            try:
                store = kind_of(connector.kind)(connector).store
            except ConnectorError as error:
                errors.append(f"{connector.name}: {error}")
                continue
            count, others = make_points(store, rows, request.user.get_username())
            made += count
            errors += others
        text = ngettext("Made %(count)s point.", "Made %(count)s points.", made)
        self.message_user(request, text % {"count": made})
        for text in errors[:_SHOWN]:
            self.message_user(request, text, messages.ERROR)
        if len(errors) > _SHOWN:
            more = len(errors) - _SHOWN
            text = ngettext(
                "And %(count)s other was not made.",
                "And %(count)s others were not made.",
                more,
            )
            self.message_user(request, text % {"count": more}, messages.ERROR)
