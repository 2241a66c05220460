"""``/api/alarm-rules/``: rules of alarms, for those that may change them.

A rule looks at all entities, so it is for users without a scope.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import (
    BooleanField,
    CharField,
    DateTimeField,
    DictField,
    IntegerField,
    ListField,
    ModelSerializer,
    Serializer,
    SerializerMethodField,
)
from rest_framework.serializers import ValidationError as InvalidField
from rest_framework.viewsets import ModelViewSet

from ..alarms.dry_run import DAYS, DryRun, dry_run
from ..alarms.validation import check_fit
from ..auth.caller import ADMIN, READ
from ..auth.permissions import has_permission, scope_filter
from ..auth.roles import CHANGE_RULES
from ..kinds.display import quoted
from ..models import AlarmRule
from . import openapi
from .authentication import get_caller
from .exceptions import BadRequest, ResourceConflict
from .openapi import extend_schema
from .pagination import PrimaryKeyPagination, row_of
from .rest import RestView

__all__ = ["AlarmRuleViewSet"]

_ID = OpenApiParameter("id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)


class RulePermission(BasePermission):
    """``change_rules``, of users that see all entities."""

    def has_permission(self, request: Request, view: Any) -> bool:
        scope = READ if request.method in SAFE_METHODS else ADMIN
        self.message = f"token scope {scope!r} required"
        if not get_caller(request).token_covers(scope):
            return False
        self.message = f"permission {CHANGE_RULES!r} required"
        if not has_permission(request.user, CHANGE_RULES):
            return False
        self.message = "rules are for users that see all entities"
        return scope_filter(request.user) is None


class RuleSerializer(ModelSerializer[AlarmRule]):
    windowSeconds = IntegerField(source="window_seconds", required=False, min_value=0)
    delaySeconds = IntegerField(source="delay_seconds", required=False, min_value=0)
    maintenanceUntil = DateTimeField(
        source="maintenance_until", required=False, allow_null=True
    )
    maintenanceReason = CharField(
        source="maintenance_reason", required=False, allow_blank=True, max_length=300
    )
    mailTo = CharField(source="mail_to", required=False, allow_blank=True)
    escalateMinutes = IntegerField(
        source="escalate_minutes", required=False, allow_null=True
    )
    escalateTo = CharField(source="escalate_to", required=False, allow_blank=True)
    warnings = SerializerMethodField()
    found_warnings: Sequence[str] = ()

    class Meta:
        model = AlarmRule
        fields = [
            *("id", "name", "storage", "filter", "enabled", "measure"),
            *("windowSeconds", "op", "operand", "value", "path", "tolerance"),
            *("hysteresis", "delaySeconds", "severity", "text", "suppress"),
            *("maintenanceUntil", "maintenanceReason", "mailTo", "escalateMinutes"),
            *("escalateTo", "problem", "points", "warnings"),
        ]
        read_only_fields = ["problem", "points"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As the model and the points say. Warnings are those of the points."""
        rule = self._made(attrs)
        try:
            rule.full_clean()
            self.found_warnings = check_fit(rule)
        except ValidationError as error:
            raise InvalidField(self._by_field(error)) from None
        return attrs

    def made(self) -> AlarmRule:
        """The rule of valid data, which is not saved."""
        return self._made(self.validated_data)

    def _made(self, attrs: dict[str, Any]) -> AlarmRule:
        values = {
            field.attname: getattr(self.instance, field.attname)
            for field in AlarmRule._meta.concrete_fields
            if self.instance is not None
        }
        rule = AlarmRule(**{**values, **attrs})
        rule._state.adding = self.instance is None  # for checks of unique names
        return rule

    def _by_field(self, error: ValidationError) -> dict[str, list[str]]:
        names = {field.source: name for name, field in self.fields.items()}
        return {
            names.get(name, name): texts for name, texts in error.message_dict.items()
        }

    def get_warnings(self, rule: AlarmRule) -> list[str]:
        """About the points of a rule that was just saved."""
        return list(self.found_warnings)


class PointRunSerializer(Serializer[Any]):
    id = CharField()
    dis = CharField()
    count = IntegerField()
    isOpen = BooleanField(source="is_open")
    raisedSeconds = IntegerField(source="raised_seconds")


class DryRunSerializer(Serializer[DryRun]):
    start = DateTimeField()
    end = DateTimeField()
    matched = IntegerField(help_text="points of the filter, with history")
    evaluated = IntegerField()
    misfits = IntegerField(help_text="points that the rule does not fit")
    alarms = IntegerField(help_text="that would have been raised")
    open = IntegerField(help_text="of which are still raised")
    days = DictField(child=IntegerField(), help_text="alarms by day in UTC")
    worst = PointRunSerializer(many=True, help_text="points with most alarms")
    warnings = ListField(child=CharField())

    def to_representation(self, instance: DryRun) -> dict[str, Any]:
        found = super().to_representation(instance)
        days = {day.isoformat(): n for day, n in instance.by_day}
        return {**found, "days": days}


_DRY = {200: DryRunSerializer, **openapi.error_responses(403)}


@extend_schema_view(
    list=extend_schema(
        operation_id="alarm_rules_list",
        responses={200: RuleSerializer(many=True), **openapi.error_responses(403)},
    ),
    create=extend_schema(
        operation_id="alarm_rules_create",
        request={"application/json": RuleSerializer},
        responses={201: RuleSerializer, **openapi.error_responses(403, 409, 413, 415)},
    ),
    retrieve=extend_schema(
        operation_id="alarm_rules_retrieve",
        parameters=[_ID],
        responses={200: RuleSerializer, **openapi.error_responses(403)},
    ),
    partial_update=extend_schema(
        operation_id="alarm_rules_update",
        parameters=[_ID],
        request={"application/json": RuleSerializer},
        responses={200: RuleSerializer, **openapi.error_responses(403, 409, 413, 415)},
    ),
    destroy=extend_schema(
        operation_id="alarm_rules_delete",
        parameters=[_ID],
        responses={204: None, **openapi.error_responses(403)},
    ),
)
class AlarmRuleViewSet(RestView, ModelViewSet[AlarmRule]):
    """Rules of alarms, in order of creation."""

    queryset = AlarmRule.objects.order_by("pk")
    serializer_class = RuleSerializer
    pagination_class = PrimaryKeyPagination
    permission_classes = [IsAuthenticated, RulePermission]
    lookup_url_kwarg = "id"
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self) -> QuerySet[AlarmRule]:
        """Changes lock the row, so that the second of two sees the first."""
        rows = super().get_queryset()
        return rows.select_for_update() if self.action == "partial_update" else rows

    def get_object(self) -> AlarmRule:
        text = self.kwargs["id"]
        rule = row_of(self.get_queryset(), text)
        if rule is None:
            raise NotFound(f"unknown rule {text[:40]!r}")
        return rule

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A rule, with warnings about its points. It is off unless it says
        otherwise: look at the dry run first."""
        return Response(self._saved(self._valid(data=request.data)), status=201)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set the fields of the body."""
        with transaction.atomic():
            rule = self.get_object()
            data = self._saved(self._valid(rule, data=request.data, partial=True))
        return Response(data)

    def _saved(self, serializer: RuleSerializer) -> Any:
        """Raises ResourceConflict."""
        try:
            with transaction.atomic():
                serializer.save()
        except IntegrityError:  # of a request at the same time
            name = serializer.validated_data.get("name", "")
            raise ResourceConflict(f"rule {quoted(name)} already exists") from None
        return serializer.data

    def _valid(self, *args: Any, **kwargs: Any) -> RuleSerializer:
        """Raises BadRequest."""
        serializer = RuleSerializer(*args, **kwargs)
        if not serializer.is_valid():
            raise BadRequest(
                "; ".join(
                    f"{name}: {text}"
                    for name, texts in serializer.errors.items()
                    for text in texts
                )
            )
        return serializer

    @extend_schema(
        operation_id="alarm_rules_try",
        request={"application/json": RuleSerializer},
        responses=_DRY,
    )
    @action(detail=False, methods=["post"], url_path="dry-run")
    def try_new(self, request: Request, **_: Any) -> Response:
        """What a rule, which is not saved, would have raised in the last 30 days."""
        data = {**request.data} if isinstance(request.data, dict) else request.data
        if isinstance(data, dict):  # the stored rule that is tried anew has its name
            data["name"] = secrets.token_hex(16)
        return self._run(self._valid(data=data).made())

    @extend_schema(
        operation_id="alarm_rules_dry_run",
        parameters=[_ID],
        responses=_DRY,
    )
    @action(detail=True, methods=["get"], url_path="dry-run")
    def dry_run(self, request: Request, **_: Any) -> Response:
        """What the rule would have raised in the last 30 days."""
        return self._run(self.get_object())

    def _run(self, rule: AlarmRule) -> Response:
        self.kwargs["project"] = rule.storage
        with self.op_context() as context:
            found = dry_run(context.storage, rule, timezone.now(), DAYS)
        return Response(DryRunSerializer(found).data)
