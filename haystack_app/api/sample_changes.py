"""``/api/samples/changes/``: samples that writes replaced or removed, and undo."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ..auth.caller import READ, WRITE
from ..auth.permissions import has_permission
from ..auth.roles import VIEW
from ..ops import sample_changes, sample_edits
from . import openapi
from .authentication import get_caller
from .openapi import extend_schema, query
from .pagination import LARGEST_PAGE, page_size
from .rest import ReadingView, RestView
from .sample_edits import SampleEditSerializer
from .serializers import check_valid

__all__ = ["SampleChangeView", "SampleChangesView", "SampleUndoView"]

_PAGE = 100
_SAMPLES = 1_000


class HistoryPermission(BasePermission):
    """As the ops hisRead and hisWrite: ``write_history`` to change samples."""

    def has_permission(self, request: Request, view: Any) -> bool:
        reads = request.method in SAFE_METHODS
        scope, needed = (READ, VIEW) if reads else (WRITE, "write_history")
        self.message = f"token scope {scope!r} required"
        if not get_caller(request).token_covers(scope):
            return False
        self.message = f"permission {needed!r} required"
        return bool(has_permission(request.user, needed))


class SampleChangesView(RestView):
    """Writes, imports and edits that replaced or removed samples."""

    permission_classes = [IsAuthenticated, HistoryPermission]
    http_method_names = ["get", "head", "post", "options"]

    @extend_schema(
        operation_id="samples_changes_list",
        parameters=[
            query("point", "the id of a point; without it, all points"),
            query("limit", f"changes at most: {_PAGE}, up to {LARGEST_PAGE}", int),
        ],
        responses={200: openapi.SAMPLE_CHANGES, **openapi.error_responses(403)},
    )
    def get(self, request: Request, **_: Any) -> Response:
        """Changes that can be undone, the newest first."""
        params = request.query_params
        size = page_size(params, _PAGE)
        with self.op_context() as context:
            found = sample_changes.changes(context, size, params.get("point"))
        return Response({"results": [sample_changes.change_json(it) for it in found]})

    @extend_schema(
        operation_id="samples_changes_create",
        request=SampleEditSerializer,
        responses={201: openapi.SAMPLE_EDITED, **openapi.error_responses(403)},
    )
    def post(self, request: Request, **_: Any) -> Response:
        """Correct a sample, or mark or remove those of a range, with a reason."""
        given = SampleEditSerializer(data=request.data)
        check_valid(given)
        with self.op_context() as context:
            done = sample_edits.edit_samples(context, **given.validated_data)
        return Response(done, status=201)


class SampleChangeView(ReadingView):
    """One of these changes."""

    permission_classes = [IsAuthenticated, HistoryPermission]

    @extend_schema(
        operation_id="samples_changes_retrieve",
        parameters=[
            openapi.change_in_path(),
            query("limit", f"samples at most: {_SAMPLES}, up to {LARGEST_PAGE}", int),
        ],
        responses={200: openapi.SAMPLE_EDITS, **openapi.error_responses(403)},
    )
    def get(self, request: Request, change: str, **_: Any) -> Response:
        """The samples before and after the change; null for none."""
        size = page_size(request.query_params, _SAMPLES)
        with self.op_context() as context:
            found = sample_changes.edits(context, change)
        count = sum(len(edit.samples) for edit in found)
        rows = list(sample_changes.edits_json(found, size))
        return Response({"results": rows, "count": count})


class SampleUndoView(RestView):
    """The undo of one of these changes."""

    permission_classes = [IsAuthenticated, HistoryPermission]
    http_method_names = ["post", "options"]
    takes_body = False

    @extend_schema(
        operation_id="samples_changes_undo",
        parameters=[openapi.change_in_path()],
        request=None,
        responses={200: openapi.SAMPLE_UNDO, **openapi.error_responses(403)},
    )
    def post(self, request: Request, change: str, **_: Any) -> Response:
        """Restore the samples that the change replaced, removed or put between them.

        Those that were changed since stay, and are listed."""
        with self.op_context() as context:
            done = sample_changes.undo(context, change)
        return Response(sample_changes.undone_json(done))
