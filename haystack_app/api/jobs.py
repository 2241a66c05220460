"""``/api/jobs/``: jobs of the caller, and for staff those of all.

The view of events does not wait: it returns ``PendingJob``, and the application sends
the events (``live/job_stream.py``).
"""

from __future__ import annotations

from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import (
    CharField,
    DateTimeField,
    JSONField,
    ModelSerializer,
    SerializerMethodField,
)
from rest_framework.viewsets import ReadOnlyModelViewSet

from ..auth.caller import Caller
from ..jobs import claims
from ..jobs.rights import may_cancel, seen_by
from ..models import Job
from . import openapi
from .events import EVENTS, StreamingNotSupported, can_wait
from .exceptions import BadRequest, ResourceConflict
from .openapi import extend_schema, query
from .pagination import LARGEST_KEY, PrimaryKeyPagination, row_of
from .permissions import JobPermission
from .rest import RestView

__all__ = [
    "JobPagination",
    "JobSerializer",
    "JobViewSet",
    "PendingJob",
    "accepted",
    "rendered",
]

_ID = OpenApiParameter("id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)


class PendingJob(HttpResponse):
    """The start of a response that follows a job."""

    def __init__(self, caller: Caller, job: int) -> None:
        super().__init__(content_type=EVENTS)
        self.caller = caller
        self.job = job
        self["X-Accel-Buffering"] = "no"  # nginx would buffer events


class JobSerializer(ModelSerializer[Job]):
    owner = CharField(source="owner_name", help_text="empty for the server's own jobs")
    enqueued = DateTimeField(source="enqueued_at")
    started = DateTimeField(source="started_at", allow_null=True)
    finished = DateTimeField(source="finished_at", allow_null=True)
    result = JSONField(
        allow_null=True,
        help_text="what the task returned; of an op, its grid in Hayson",
    )
    errors = SerializerMethodField()  # type: ignore[assignment]  # not the property

    class Meta:
        model = Job
        fields = [
            *("id", "title", "owner", "status", "enqueued", "started", "finished"),
            *("attempts", "done", "total", "note", "result", "errors"),
        ]

    def get_errors(self, job: Job) -> list[dict[str, str]]:
        """Attempts that failed, without the tracebacks, which are for staff."""
        return [{"at": one["at"], "message": one["message"]} for one in job.errors]


class JobPagination(PrimaryKeyPagination):
    """The newest job first."""

    ordering = "-pk"
    first = str(LARGEST_KEY)


@extend_schema_view(
    list=extend_schema(
        operation_id="jobs_list",
        parameters=[
            query(
                "status",
                "only jobs of this status",
                {"type": "string", "enum": list(Job.Status.values)},
            )
        ],
        responses={200: JobSerializer(many=True), **openapi.error_responses()},
    ),
    retrieve=extend_schema(
        operation_id="jobs_retrieve",
        parameters=[_ID],
        responses={200: JobSerializer, **openapi.error_responses(404)},
    ),
)
class JobViewSet(RestView, ReadOnlyModelViewSet[Job]):
    """Jobs: long work that a worker does. The newest first."""

    queryset = Job.objects.all()
    serializer_class = JobSerializer
    pagination_class = JobPagination
    permission_classes = [IsAuthenticated, JobPermission]
    takes_body = False
    lookup_url_kwarg = "id"
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "post", "head", "options"]

    def get_queryset(self) -> QuerySet[Job]:
        jobs = seen_by(self.request.user)
        status = self.request.query_params.get("status")
        if self.action != "list" or status is None:
            return jobs
        if status not in Job.Status.values:
            known = ", ".join(Job.Status.values)
            raise BadRequest(f"status must be one of {known}, not {status[:40]!r}")
        return jobs.filter(status=status)

    def get_object(self) -> Job:
        text = self.kwargs["id"]
        job = row_of(self.get_queryset(), text)
        if job is None:
            raise NotFound(f"unknown job {text[:40]!r}")
        return job

    @extend_schema(
        operation_id="jobs_cancel",
        parameters=[_ID],
        request=None,
        responses={202: JobSerializer, **openapi.error_responses(403, 404, 409)},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **_: Any) -> Response:
        """Cancel a job: one that waits at once, one that runs at its next step."""
        job = self.get_object()
        if not may_cancel(request.user, job):
            raise NotFound(f"unknown job {self.kwargs['id']!r}")
        if not claims.cancel(job):
            raise ResourceConflict("the job is already finished")
        job.refresh_from_db()
        return Response(self.get_serializer(job).data, status=202)

    @extend_schema(
        operation_id="jobs_events",
        parameters=[_ID],
        responses={
            (200, EVENTS): {"type": "string"},
            **openapi.error_responses(404, 501),
        },
    )
    @action(detail=True, methods=["get"])
    def events(self, request: Request, **_: Any) -> HttpResponse:
        """The job as server-sent events: `job` whenever it changed, `end` when it has
        finished."""
        job = self.get_object()
        if request.method == "HEAD":
            return HttpResponse(content_type=EVENTS)
        if not can_wait(request):
            raise StreamingNotSupported
        return PendingJob(self.caller, job.pk)


def accepted(request: Request, job: Job) -> HttpResponse:
    """202 with the job and where it is."""
    answer = HttpResponse(
        rendered(job), status=202, content_type="application/json; charset=utf-8"
    )
    path = reverse("haystack:job-detail", kwargs={"id": job.pk})
    answer["Location"] = f"{path.rstrip('/')}/"
    return answer


def rendered(job: Job) -> bytes:
    """The JSON of a job."""
    return orjson.dumps(JobSerializer(job).data, default=str)
