"""``/api/changes/{cursor}/``: a commit of the change log, and its undo."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ..ops import reverts
from . import openapi
from .openapi import extend_schema, query
from .pagination import LARGEST_PAGE, flag, page_size
from .permissions import CommitPermission, TokenScope
from .rest import ReadingView, RestView

__all__ = ["CommitView", "RevertView"]

_JSON = "application/json; charset=utf-8"
_PAGE = 100
_FORCE = query(
    "force",
    "also remove added entities that have samples, or to which others refer",
    bool,
)


class CommitView(ReadingView):
    """The commit that an entry of the change log belongs to."""

    @extend_schema(
        operation_id="changes_retrieve",
        parameters=[
            openapi.cursor_in_path(),
            query("limit", f"changes at most: {_PAGE}, up to {LARGEST_PAGE}", int),
            _FORCE,
        ],
        responses={200: openapi.COMMIT, **openapi.error_responses(403)},
    )
    def get(self, request: Request, cursor: str, **_: Any) -> HttpResponse:
        """Its changes, of entities that you see, and what an undo would do."""
        params = request.query_params
        size, force = page_size(params, _PAGE), flag(params, "force")
        with self.op_context() as context:
            text = reverts.commit_text(context, cursor, size, force=force)
        return HttpResponse(text, content_type=_JSON)


class RevertView(RestView):
    """The undo of a commit."""

    permission_classes = [IsAuthenticated, TokenScope, CommitPermission]
    http_method_names = ["post", "options"]
    takes_body = False

    @extend_schema(
        operation_id="changes_revert",
        parameters=[
            openapi.cursor_in_path(),
            query("entity", "undo only the change of the entity with this id"),
            query("tag", "undo only the change of this tag of `entity`"),
            query("partly", "leave alone what was changed since", bool),
            _FORCE,
        ],
        request=None,
        responses={200: openapi.REVERSAL, **openapi.error_responses(403, 409)},
    )
    def post(self, request: Request, cursor: str, **_: Any) -> Response:
        """Undo a commit by a new one, with your rights: 409 if something was changed
        since, unless `partly` is set."""
        params = request.query_params
        with self.op_context() as context:
            done = reverts.reverted(
                context,
                cursor,
                id=params.get("entity"),
                tag=params.get("tag"),
                partly=flag(params, "partly"),
                force=flag(params, "force"),
            )
        return Response(reverts.reversal_json(done))
