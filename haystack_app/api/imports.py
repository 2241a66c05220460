"""``/api/imports/``: files that users upload, what is understood of them, and jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO, Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.utils import OpenApiParameter
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ..auth.caller import WRITE
from ..imports import rights, spool, uploads
from ..models import FileImport
from ..ops.dispatch import context_for
from . import openapi
from .exceptions import BadRequest, BodyTooLarge, ResourceConflict, http_exceptions
from .import_permissions import ImportPermission
from .import_serializers import (
    CorrectionsSerializer,
    ImportSerializer,
    ImportSummarySerializer,
)
from .jobs import JobPagination, JobSerializer
from .openapi import extend_schema, query
from .pagination import row_of
from .rest import RestView
from .serializers import check_valid

__all__ = ["ImportViewSet", "ProjectImportViewSet"]

_ID = OpenApiParameter("id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)
_FILE = {"application/octet-stream": {"type": "string", "format": "binary"}}
_ERRORS = openapi.error_responses(403, 409, 413)


class ImportViewSet(RestView, GenericViewSet[FileImport]):
    """Files of the caller; those of others do not exist."""

    queryset = FileImport.objects.none()
    serializer_class = ImportSerializer
    pagination_class = JobPagination
    permission_classes = [IsAuthenticated, ImportPermission]
    takes_body = False
    lookup_url_kwarg = "id"
    lookup_value_regex = "[0-9]+"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    @extend_schema(
        operation_id="imports_list",
        responses={
            200: ImportSummarySerializer(many=True),
            **openapi.error_responses(403),
        },
    )
    def list(self, request: Request, **_: Any) -> Response:
        """Your files, the newest first, without what was understood of them."""
        page = self.paginate_queryset(self._own().defer("found"))
        answer = ImportSummarySerializer(page, many=True).data
        return self.get_paginated_response(answer)

    @extend_schema(
        operation_id="imports_create",
        parameters=[
            query("name", "of the file, whose ending says what it is"),
            query(
                "size", "bytes of the whole file: without it, those of the body", int
            ),
        ],
        request=_FILE,
        responses={201: ImportSerializer, **_ERRORS},
    )
    def create(self, request: Request, **_: Any) -> Response:
        """Upload a file, or its first part. A whole one is checked at once, or by a
        job if it is long; nothing is stored."""
        name = _file_name(request.query_params.get("name", ""))
        length = _length(request)
        size = _number(request, "size", length)
        if size < max(length, 1):
            raise BadRequest(f"size must be at least 1 and that of the body, {length}")
        with refusals():
            found = uploads.begin_upload(self.caller, self._alias(), name, size)
            try:
                uploads.add_part(found, 0, _stream(request))
                uploads.understand(found, self.caller)
            except Exception:
                spool.remove(found)
                found.delete()
                raise
        answer = self._answer(found, 201)
        answer["Location"] = f"{request.path.rstrip('/')}/{found.pk}/"
        return answer

    @extend_schema(
        operation_id="imports_parts",
        parameters=[
            _ID,
            query("offset", "the place of the part in the file, in bytes", int),
        ],
        request=_FILE,
        responses={200: ImportSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def parts(self, request: Request, **_: Any) -> Response:
        """Upload the next part of a file, which is checked after the last one."""
        found = self.get_object()
        offset = _number(request, "offset", found.received)
        with refusals():
            uploads.add_part(found, offset, _stream(request))
            uploads.understand(found, self.caller)
        return self._answer(found)

    @extend_schema(
        operation_id="imports_retrieve",
        parameters=[_ID],
        responses={200: ImportSerializer, **openapi.error_responses(403)},
    )
    def retrieve(self, request: Request, **_: Any) -> Response:
        """What was understood of a file, and what became of it."""
        return self._answer(self.get_object())

    @extend_schema(
        operation_id="imports_update",
        parameters=[_ID],
        request=CorrectionsSerializer,
        responses={200: ImportSerializer, **_ERRORS},
    )
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Set corrections, and check the file again: a dry run. null takes one back."""
        found = self.get_object()
        given = CorrectionsSerializer(data=request.data, partial=True)
        check_valid(given)
        with refusals():
            uploads.correct(found, self.caller, given.stored())
        return self._answer(found)

    @extend_schema(
        operation_id="imports_delete",
        parameters=[_ID],
        responses={204: None, **openapi.error_responses(403, 409)},
    )
    def destroy(self, request: Request, **_: Any) -> Response:
        """Delete the file; what was imported stays."""
        found = self.get_object()
        with refusals():
            uploads.delete(found)
        return Response(status=204)

    @extend_schema(
        operation_id="imports_bad_rows",
        parameters=[_ID],
        responses={
            (200, "text/csv"): {"type": "string"},
            **openapi.error_responses(403),
        },
    )
    @action(detail=True, methods=["get"], url_path="bad-rows")
    def bad_rows(self, request: Request, **_: Any) -> HttpResponse | FileResponse:
        """All invalid rows of the file as CSV: sheet, line, column, reason, remedy."""
        found = self.get_object()
        path = spool.bad_rows_of(found)
        if not path.exists():
            raise NotFound(
                "the file was not checked yet, or by a server with another IMPORTS_DIR"
            )
        answer = FileResponse(path.open("rb"), content_type="text/csv; charset=utf-8")
        stem = PurePosixPath(found.name).stem
        name = content_disposition_header(True, f"{stem}-invalid-rows.csv")
        answer["Content-Disposition"] = name
        return answer

    @extend_schema(
        operation_id="imports_start",
        parameters=[_ID],
        request=None,
        responses={202: ImportSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def start(self, request: Request, **_: Any) -> Response:
        """Import the file by a job, which goes on without the client."""
        found = self.get_object()
        self._check(rights.needed_for(found))
        with refusals():
            uploads.start(found, self.caller)
        return self._answer(found, 202)

    @extend_schema(
        operation_id="imports_undo",
        parameters=[_ID],
        request=None,
        responses={202: JobSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, **_: Any) -> Response:
        """Undo the import of samples by a job: restore what it replaced, and remove
        what it added. Points that it made stay."""
        found = self.get_object()
        self._check([(rights.WRITE_HISTORY, WRITE)])
        with refusals():
            job = uploads.undo(found, self.caller)
        return Response(JobSerializer(job).data, status=202)

    def get_object(self) -> FileImport:
        found = row_of(self._own(), self.kwargs["id"])
        if found is None:
            raise NotFound(f"unknown import {self.kwargs['id'][:20]}")
        return found

    def _own(self) -> QuerySet[FileImport]:
        return FileImport.objects.of(self.request.user, self._alias())

    def _alias(self) -> str:
        """Raises NotFound for an unknown project."""
        with http_exceptions():
            return context_for(self.kwargs.get("project"), self.caller).storage.alias

    def _check(self, needed: Iterable[tuple[str, str]]) -> None:
        """Raises PermissionDenied without one of the permissions or token scopes."""
        with http_exceptions():
            for permission, scope in needed:
                self.caller.check(permission, scope)

    def _answer(self, found: FileImport, status: int = 200) -> Response:
        return Response(ImportSerializer(found).data, status=status)


class ProjectImportViewSet(ImportViewSet):
    """The same of another storage."""

    schema = None


@contextmanager
def refusals() -> Iterator[None]:
    """Translate refused steps into DRF's errors: 400, 409 and 413."""
    try:
        with http_exceptions():
            yield
    except uploads.ImportTooLarge as err:
        raise BodyTooLarge(str(err)) from None
    except uploads.ImportBusy as err:
        raise ResourceConflict(str(err)) from None
    except uploads.ImportRefused as err:
        raise BadRequest(str(err)) from None
    except ImproperlyConfigured as err:
        raise BadRequest(str(err)) from None


def _file_name(text: str) -> str:
    """The last part of a path, without control characters. Raises BadRequest."""
    name = "".join(sign for sign in text if sign.isprintable())
    name = name.replace("\\", "/").rpartition("/")[2].strip()
    if not name:
        raise BadRequest("missing name: that of the file, such as trends.csv")
    if len(name) > 200:
        raise BadRequest("name must have at most 200 characters")
    return name


def _stream(request: Request) -> IO[Any]:
    """The body, of any type, which is not read into memory. Raises BadRequest."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequest("send a packed file as it is, by a name that ends in .gz")
    stream: IO[Any] = request.stream or BytesIO()
    return stream


def _length(request: Request) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest(f"{name} must be a number of bytes, not {text[:40]!r}")
    return int(text)
