"""The view of all ops: translates between HTTP and grids."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import (
    NotFound,
    UnsupportedMediaType,
)
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from ..kinds.grid import Grid
from ..kinds.scalars import MARKER
from ..models import Token
from ..ops import Op, all_ops, dispatch, find_op
from ..wire.errors import ParseError
from ..wire.registry import Format
from . import exceptions
from .base import ApiView
from .bodies import request_body
from .jobs import accepted
from .negotiation import GridNegotiation, request_format
from .op_jobs import enqueue_op
from .pagination import flag
from .parsers import body_grid, query_grid
from .renderers import GridRenderer
from .validators import Validator

__all__ = ["OpView"]

_NO_META = (
    "the answer of {} requires meta, which CSV and Trio do not have: "
    "use Accept: text/zinc or application/json"
)


class OpView(ApiView):
    """``/api/{op}`` and ``/api/{project}/{op}``.

    Source: docHaystack HttpApi. Errors before the request grid is read have a status;
    later errors are error grids with status 200.
    """

    schema = None  # grids have no OpenAPI schema
    permission_classes = [IsAuthenticated]
    throttle_classes: list[Any] = []  # the dispatcher counts
    content_negotiation_class = GridNegotiation
    http_method_names = ["get", "post", "head", "options"]

    def get(self, request: Request, name: str, **_: Any) -> Any:
        op = self.authorized(request, name)
        try:
            arguments = query_grid(request.query_params)
        except ParseError as err:
            raise exceptions.BadRequest(str(err)) from None
        return self.answer(request, op, arguments)

    def post(self, request: Request, name: str, **_: Any) -> Any:
        op = self.authorized(request, name)
        if flag(request.query_params, "job"):
            return self.enqueue(request, op)
        grid = self.posted(request, op)
        set_flags = {name for name in op.flags if flag(request.query_params, name)}
        if set_flags:
            grid = replace(grid, meta={**grid.meta, **dict.fromkeys(set_flags, MARKER)})
        return self.answer(request, op, grid)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if find_op(name := kwargs["name"]) is None:
            raise NotFound(f"unknown op {name!r}")
        return HttpResponse(headers={"Content-Length": "0"})

    @property
    def allowed_methods(self) -> list[str]:
        """Methods for the header Allow."""
        op = find_op(self.kwargs["name"])
        reading = [] if op and op.side_effects else ["GET", "HEAD"]
        return [*reading, "POST", "OPTIONS"]

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> Any:
        raise exceptions.MethodNotImplemented

    def authorized(self, request: Request, name: str) -> Op:
        """The op, if the caller may call it. Call this before reading the body."""
        with exceptions.http_exceptions():
            return dispatch.authorize(name, self.caller, request.method or "")

    def posted(self, request: Request, op: Op) -> Grid:
        """The grid of the body; an empty one for an empty body."""
        format, body = self.format_of(request), request_body(request._request)
        if not body.removeprefix(BOM_UTF8).strip():
            return Grid()
        try:
            with exceptions.http_exceptions():
                return body_grid(
                    format,
                    body,
                    accepts_list=op.accepts_list,
                    in_columns=op.takes_samples,
                    is_marker=dispatch.marker_words(self.kwargs.get("project")),
                )
        except ParseError as err:
            raise exceptions.InvalidBody(str(err)) from None

    def format_of(self, request: Request) -> Format:
        """The format of the body. Raises InvalidBody or UnsupportedMediaType."""
        content_type = request.headers.get("Content-Type", "")
        if not content_type:
            raise exceptions.InvalidBody("missing Content-Type")
        has_token = isinstance(request.auth, Token)
        format = request_format(content_type, has_token=has_token)
        if format is None:
            raise UnsupportedMediaType(content_type)
        return format

    def enqueue(self, request: Request, op: Op) -> HttpResponse:
        """Let a job run the op; 202 with the job."""
        if not op.as_job:
            able = ", ".join(one.name for one in all_ops() if one.as_job)
            raise exceptions.BadRequest(
                f"{op.name} cannot be run as a job: only {able} can"
            )
        self.format_of(request)
        content_type = request.headers["Content-Type"]
        body = content_type, request_body(request._request)
        with exceptions.http_exceptions():
            job = enqueue_op(op, self.caller, self.kwargs.get("project"), body)
        return accepted(request, job)

    def answer(self, request: Request, op: Op, grid: Grid) -> HttpResponseBase:
        renderer: GridRenderer = request.accepted_renderer  # type: ignore[assignment]
        if op.requires_meta and not renderer.grid_format.has_meta:
            return renderer.response(Grid.error(_NO_META.format(op.name)))
        project, known = self.kwargs.get("project"), None
        write: Callable[[Grid], HttpResponseBase] = renderer.response
        if op.revisions and request.method in ("GET", "HEAD"):
            validator = Validator(request, self.caller, renderer.content_type)
            write = _conditional(validator, renderer)
            known = validator.not_modified if validator.may_match else None
        with exceptions.http_exceptions():
            return dispatch.run(op, self.caller, project, grid, write, known=known)


def _conditional(
    validator: Validator, renderer: GridRenderer
) -> Callable[[Grid], HttpResponseBase]:
    def write(grid: Grid) -> HttpResponseBase:
        if grid.meta:  # an error, or rows that are cut off
            return renderer.response(grid)
        return validator.respond(grid.rows, lambda: renderer.response(grid))

    return write
