"""``/api/samples/import/``: a file of samples, as other systems export them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ..auth.caller import ADMIN, Caller
from ..jobs import JobContext, JobFailed, enqueue_for, task
from ..jobs.local import name_of_process
from ..kinds.timezones import UnknownTimeZone, city_name, zone_of
from ..models import Job
from ..ops import dispatch
from ..ops.imports import ENDINGS, InvalidImport, import_samples, needed_permissions
from . import openapi
from .bodies import request_body
from .exceptions import BadRequest, http_exceptions
from .jobs import accepted
from .op_jobs import check_job_count
from .openapi import extend_schema
from .rest import RestView
from .sample_changes import HistoryPermission
from .serializers import KnownFieldsMixin

__all__ = ["SampleImportView", "run_import"]

_WORDS = 50
_LONGEST = 1_000
_LONGEST_MAPPING = 64_000


def _text(help_text: str, **options: Any) -> serializers.CharField:
    return serializers.CharField(
        required=False, max_length=_LONGEST, help_text=help_text, **options
    )


def _choice(help_text: str, *words: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(words, required=False, help_text=help_text)


def _headers(help_text: str) -> serializers.ListField:
    child = serializers.CharField(max_length=_LONGEST)
    return serializers.ListField(
        child=child, required=False, max_length=_WORDS, help_text=help_text
    )


def _flag(help_text: str) -> serializers.BooleanField:
    return serializers.BooleanField(default=False, help_text=help_text)


class ImportArguments(KnownFieldsMixin, serializers.Serializer[Any]):
    """The query: options of ``haystack_his_import``, several values by repetition."""

    file = serializers.CharField(
        max_length=_LONGEST,
        help_text=f"the name of the file, whose ending is one of {', '.join(ENDINGS)}",
    )
    dryRun = _flag("check everything, and store nothing")
    job = _flag("let a job import the file")
    tz = _text("the zone of times without an offset, and of points that are made")
    dst = _choice("which local time that occurs twice is meant", "first", "second")
    convert = _flag("convert numbers to the unit of the point")
    skipBad = _text("leave invalid rows out if they are at most this number, or `N%`")
    point = _text("the point of a table with one column of values")
    create = _flag(  # type: ignore[assignment]  # not the method
        "make missing points; needs the permission `add_entity`"
    )
    site = _text("the site of points that are made")
    equip = _text("the equip of points that are made")
    stamps = _choice(
        "values are amounts of intervals, and this end is the time; needs the"
        " permission `change_entity`",
        "start",
        "end",
    )
    mapping = serializers.CharField(
        required=False,
        max_length=_LONGEST_MAPPING,
        help_text="JSON: a header, or a name in rows, is a key, with an id, an object"
        " of `id`, `unit`, `factor` and `kind`, or null",
    )
    ignore = _headers("columns to leave out; `*` for all that are not those of points")
    time = _headers("the column of times, or those of date and time of day")
    name = _headers("the column of names, or those of the parts of a path")
    value = _headers("the column of values, or several of each name")
    year = serializers.IntegerField(
        required=False, min_value=1, max_value=9998, help_text="of times without one"
    )
    dates = _choice("the order of day, month and year", "dmy", "mdy", "ymd")
    decimal = _choice("the decimal sign", "comma", "point")
    delimiter = _choice("between cells", "comma", "semicolon", "tab", "pipe")
    noValue = _headers("texts of cells without a value")
    status = _choice("what becomes of samples with a bad status", "skip", "na", "keep")

    def validate_tz(self, value: str) -> str:
        try:
            zone_of(city_name(value))
        except UnknownTimeZone as err:
            raise serializers.ValidationError(str(err)) from None
        return city_name(value)


class SampleImportView(RestView):
    """Imports of files of samples."""

    permission_classes = [IsAuthenticated, HistoryPermission]
    http_method_names = ["post", "options"]
    takes_body = False  # JSON; a file of any type is read below

    @extend_schema(
        operation_id="samples_import",
        parameters=[ImportArguments],
        request={"text/csv": openapi.FILE, "application/octet-stream": openapi.FILE},
        responses={
            200: openapi.SAMPLE_IMPORT,
            202: openapi.JOB_ACCEPTED,
            **openapi.error_responses(403, 413, 415),
        },
    )
    def post(self, request: Request, **_: Any) -> HttpResponseBase:
        """Understand, check and store the samples of a file, all or none.

        The options are those of the command, which docs/commands.md explains."""
        arguments = ImportArguments(data=request.query_params)
        arguments.is_valid(raise_exception=True)
        given: Mapping[str, Any] = dict(arguments.validated_data)
        with http_exceptions():
            _check(self.caller, given, ADMIN)
        body = request_body(request._request)
        if not body:
            raise BadRequest("empty body: send the file")
        if given["job"]:
            return accepted(request, self._enqueued(request, given, body))
        with self.op_context() as context:
            try:
                return Response(import_samples(context, given, body))
            except InvalidImport as err:
                raise RefusedImport(err) from None

    def _enqueued(self, request: Request, given: Mapping[str, Any], body: bytes) -> Job:
        project = self.kwargs.get("project")
        with http_exceptions():
            store = dispatch.context_for(project, self.caller).storage
        check_job_count(self.caller)
        return enqueue_for(
            self.caller.user,
            run_import,
            dict(given),
            project,
            title=f"import {given['file']}",
            process="" if store.shared else name_of_process(),
            body=(request.content_type or "", body),
        )


class RefusedImport(BadRequest):
    """The members ``errors`` and ``errorCount`` are those of the file."""

    def __init__(self, error: InvalidImport) -> None:
        super().__init__(str(error))
        self.members = dict(error.members)


def _check(caller: Caller, given: Mapping[str, Any], scope: str) -> None:
    """Raises PermissionDenied."""
    for permission in needed_permissions(given):
        caller.check(permission, scope)


@task(title="import")
def run_import(
    context: JobContext, arguments: Mapping[str, Any], project: str | None
) -> Any:
    """Import with the rights that the owner has now. If it is repeated, what was stored
    before is stored again. Raises JobFailed with the first errors.
    """
    caller = context.caller()
    if caller is None:
        raise JobFailed("the job has no owner")
    caller.check("write_history", "")
    _check(caller, arguments, "")
    _, body = context.body()

    def progress(file: IO[bytes]) -> None:
        context.progress(file.tell(), len(body))

    try:
        within = dispatch.context_for(project, caller)
        return import_samples(within, arguments, body, progress)
    except InvalidImport as err:
        found = err.members.get("errors", [])
        texts = [f"{one['where']}: {one['reason']}" for one in found]
        raise JobFailed("\n".join([str(err), *texts][:20])) from None
