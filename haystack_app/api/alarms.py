"""``/api/alarms/``: alarms of the points that the caller sees."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    DateTimeField,
    IntegerField,
    JSONField,
    ModelSerializer,
    Serializer,
    SerializerMethodField,
)

from ..alarms import listing
from ..alarms.acknowledgement import LONGEST_NOTE, acknowledge
from ..auth.caller import READ, WRITE, Caller
from ..auth.permissions import has_permission
from ..auth.roles import ACKNOWLEDGE_ALARMS, VIEW
from ..models import Alarm, AlarmRule, AlarmTransition
from . import openapi
from .authentication import get_caller
from .events import EVENTS, StreamingNotSupported, can_wait
from .exceptions import BadRequest, ResourceConflict
from .openapi import extend_schema, query
from .pagination import PAGE, key_of, page_size, row_of
from .rest import ReadingView, RestView

__all__ = [
    "AcknowledgeView",
    "AlarmView",
    "AlarmsEventsView",
    "AlarmsSummaryView",
    "AlarmsView",
    "PendingAlarms",
    "summary_json",
]

_STATES = [*Alarm.State.values, "open"]
_ID = OpenApiParameter("id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)


class AlarmPermission(BasePermission):
    """To read what entities need; ``acknowledge_alarms`` to acknowledge."""

    def has_permission(self, request: Request, view: Any) -> bool:
        reads = request.method in SAFE_METHODS
        scope, needed = (READ, VIEW) if reads else (WRITE, ACKNOWLEDGE_ALARMS)
        self.message = f"token scope {scope!r} required"
        if not get_caller(request).token_covers(scope):
            return False
        self.message = f"permission {needed!r} required"
        return all(has_permission(request.user, one) for one in {VIEW, needed})


class TransitionSerializer(ModelSerializer[AlarmTransition]):
    recordedAt = DateTimeField(source="recorded_at")
    value = JSONField(allow_null=True)

    class Meta:
        model = AlarmTransition
        fields = ["kind", "at", "recordedAt", "late", "value", "who", "note"]


class AlarmSerializer(ModelSerializer[Alarm]):
    rule = IntegerField(source="rule_id")
    ruleName = CharField(source="rule.name")
    severity = ChoiceField(AlarmRule.Severity.choices, source="rule.severity")
    severityName = CharField(source="rule.get_severity_display")
    text = CharField(source="rule.text")
    point = CharField(source="point_id", help_text="its id")
    equip = CharField(source="equip_id", help_text="its id, or empty")
    site = CharField(source="site_id", help_text="its id, or empty")
    state = ChoiceField(Alarm.State.choices)
    raisedAt = DateTimeField(source="raised_at")
    clearedAt = DateTimeField(source="cleared_at", allow_null=True)
    acknowledgedAt = DateTimeField(source="acknowledged_at", allow_null=True)
    recordedAt = DateTimeField(source="recorded_at")
    value = JSONField(allow_null=True, help_text="what raised it, in Hayson")
    late = BooleanField(help_text="late samples have raised, moved or cleared it")
    withdrawn = BooleanField(help_text="late samples have shown it to be none")

    class Meta:
        model = Alarm
        fields = [
            *("id", "rule", "ruleName", "severity", "severityName", "text", "point"),
            *("dis", "equip", "site", "state", "value", "raisedAt", "clearedAt"),
            *("acknowledgedAt", "recordedAt", "late", "withdrawn"),
        ]


class AlarmWithLogSerializer(AlarmSerializer):
    transitions = TransitionSerializer(many=True)

    class Meta(AlarmSerializer.Meta):
        fields = [*AlarmSerializer.Meta.fields, "transitions"]


class AlarmPageSerializer(Serializer[Any]):
    results = AlarmSerializer(many=True)
    next = CharField(allow_null=True, help_text="`cursor` of the next page")


class NoteSerializer(Serializer[Any]):
    note = CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")


class SummaryEntitySerializer(Serializer[Any]):
    id = CharField(help_text="of a point, of equipment or of a site")
    count = IntegerField(help_text="open alarms")
    severity = IntegerField(help_text="the highest of them")


class SummarySerializer(Serializer[Any]):
    raised = IntegerField(help_text="open and not acknowledged")
    acknowledged = IntegerField()
    severity = IntegerField(help_text="the highest of those that are not acknowledged")
    last = IntegerField(help_text="grows whenever an alarm changes")
    isCut = BooleanField(source="is_cut")
    entities = SerializerMethodField()

    def get_entities(self, found: listing.Summary) -> list[dict[str, Any]]:
        return [
            {"id": id, "count": count, "severity": severity}
            for id, (count, severity) in sorted(found.entities.items())
        ]


class AlarmsView(ReadingView):
    """Alarms, the newest first."""

    permission_classes = [IsAuthenticated, AlarmPermission]

    @extend_schema(
        operation_id="alarms_list",
        parameters=[
            query(
                "state",
                "`open` are the raised and the acknowledged ones",
                {"type": "string", "enum": _STATES},
            ),
            query("severity", "this one (1 to 4) and higher ones", int),
            query("rule", "the id of a rule", int),
            query("point", "the id of a point"),
            query("equip", "the id of its equipment"),
            query("site", "the id of its site"),
            query("start", "raised after this time, or still then (ISO 8601)"),
            query("end", "raised before this time"),
            query("withdrawn", "also those that late samples have shown to be none"),
            query("limit", f"alarms per page: {PAGE} by default", int),
            query("cursor", "`next` of the previous page"),
        ],
        responses={200: AlarmPageSerializer, **openapi.error_responses(403)},
    )
    def get(self, request: Request, **_: Any) -> Response:
        """Alarms of visible points. A page may be shorter than asked for."""
        params = request.query_params
        size = page_size(params)
        with self.op_context() as context:
            rows = _filtered(params)
            rows = rows.filter(rule__storage=context.storage.alias)
            found, last = listing.seen(
                context.storage, rows.select_related("rule").order_by("-pk"), size
            )
        results = AlarmSerializer(found, many=True).data
        return Response(
            {"results": results, "next": None if last is None else str(last)}
        )


class AlarmsSummaryView(ReadingView):
    """Open alarms in numbers."""

    permission_classes = [IsAuthenticated, AlarmPermission]

    @extend_schema(
        operation_id="alarms_summary",
        responses={200: SummarySerializer, **openapi.error_responses(403)},
    )
    def get(self, request: Request, **_: Any) -> Response:
        """Counts, and which points, equipment and sites have open alarms."""
        with self.op_context() as context:
            return Response(summary_json(context.storage))


class PendingAlarms(HttpResponse):
    """The start of a response that follows alarms."""

    def __init__(self, caller: Caller, project: str | None) -> None:
        super().__init__(content_type=EVENTS)
        self.caller = caller
        self.project = project
        self["X-Accel-Buffering"] = "no"  # nginx would buffer events


class AlarmsEventsView(ReadingView):
    """Open alarms in numbers, whenever they change."""

    permission_classes = [IsAuthenticated, AlarmPermission]

    @extend_schema(
        operation_id="alarms_events",
        responses={
            (200, EVENTS): {"type": "string"},
            **openapi.error_responses(403, 501),
        },
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Server-sent events: `alarms` with the summary, at first and when an alarm
        changed."""
        with self.op_context():  # the project exists, and may be seen
            pass
        if request.method == "HEAD":
            return HttpResponse(content_type=EVENTS)
        if not can_wait(request):
            raise StreamingNotSupported
        return PendingAlarms(self.caller, self.kwargs.get("project"))


class AlarmView(ReadingView):
    """An alarm and its log."""

    permission_classes = [IsAuthenticated, AlarmPermission]

    @extend_schema(
        operation_id="alarms_retrieve",
        parameters=[_ID],
        responses={200: AlarmWithLogSerializer, **openapi.error_responses(403)},
    )
    def get(self, request: Request, id: str, **_: Any) -> Response:
        """The alarm with its transitions."""
        with self.op_context() as context:
            alarm = _alarm(context.storage, id)
        return Response(AlarmWithLogSerializer(alarm).data)


class AcknowledgeView(RestView):
    """Acknowledging an alarm."""

    permission_classes = [IsAuthenticated, AlarmPermission]

    http_method_names = ["post", "options"]
    takes_body = False

    @extend_schema(
        operation_id="alarms_acknowledge",
        parameters=[_ID],
        request={"application/json": NoteSerializer},
        responses={200: AlarmWithLogSerializer, **openapi.error_responses(403, 409)},
    )
    def post(self, request: Request, id: str, **_: Any) -> Response:
        """Say that you know of an open alarm, with a note."""
        body = NoteSerializer(data=request.data or {})
        if not body.is_valid():
            raise BadRequest(f"note: {body.errors.get('note', ['invalid body'])[0]}")
        with self.op_context() as context:
            alarm = _alarm(context.storage, id)
        note = body.validated_data["note"]
        if not acknowledge(alarm, self.caller.username, note, timezone.now()):
            raise ResourceConflict("the alarm is already acknowledged, or cleared")
        return Response(AlarmWithLogSerializer(alarm).data)


def summary_json(store: Any) -> dict[str, Any]:
    """The summary of a store as far as it is visible."""
    return dict(SummarySerializer(listing.summary(store)).data)


def _alarm(store: Any, id: str) -> Alarm:
    """Raises NotFound, also for one of a point that the caller does not see."""
    rows = Alarm.objects.select_related("rule").filter(rule__storage=store.alias)
    alarm = row_of(rows, id)
    if alarm is None or not listing.is_visible(store, alarm):
        raise NotFound(f"unknown alarm {id[:40]!r}")
    listing.rename(store, [alarm])
    return alarm


_EQUALS = {"point": "point_id", "equip": "equip_id", "site": "site_id"}


def _filtered(params: Any) -> QuerySet[Alarm]:
    """Raises BadRequest."""
    rows: Any = Alarm.objects.all()
    if (state := params.get("state")) == "open":
        rows = rows.open()
    elif state:
        if state not in _STATES:
            known = ", ".join(_STATES)
            raise BadRequest(f"state must be one of {known}, not {state[:40]!r}")
        rows = rows.of_state(state)
    for name, field in _EQUALS.items():
        if value := params.get(name):
            rows = rows.filter(**{field: value.replace("\0", "")})
    for name, field in (("severity", "rule__severity__gte"), ("rule", "rule_id")):
        if name in params:
            rows = rows.filter(**{field: _whole(params, name)})
    if params.get("withdrawn", "false") != "true":
        rows = rows.filter(withdrawn=False)
    if "start" in params or "end" in params:
        rows = rows.between(_time(params, "start"), _time(params, "end"))
    if params.get("cursor"):
        rows = rows.filter(pk__lt=_whole(params, "cursor"))
    found: QuerySet[Alarm] = rows
    return found


def _whole(params: Any, name: str) -> int:
    text = params[name]
    if (number := key_of(text)) is None:
        raise BadRequest(f"{name} must be a whole number, not {text[:40]!r}")
    return number


def _time(params: Any, name: str) -> dt.datetime:
    text = params.get(name)
    if text is None:
        return {
            "start": dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
            "end": dt.datetime(9000, 1, 1, tzinfo=dt.UTC),
        }[name]
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadRequest(
            f"{name} must be a time such as 2026-11-30T10:00:00Z, not {text[:40]!r}"
        )
    return found
