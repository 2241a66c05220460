"""``/api/quality/``: the quality of points' histories, as JSON or a grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from ..conf import limit
from ..ops.quality import (
    DAYS,
    FLAT_HOURS,
    SORTS,
    PointQuality,
    as_grid,
    as_json,
    quality,
    read_hours,
)
from . import openapi
from .negotiation import choose_format, choose_media_type
from .openapi import extend_schema, query
from .pagination import rows_at_most
from .renderers import GridRenderer
from .rest import FileNegotiation, ReadingView, as_file, replicated

__all__ = ["QualityView"]

_JSON = "application/json"
_GRIDS = ("text/csv", "text/zinc", "text/trio", "application/vnd.haystack+json")


class QualityNegotiation(FileNegotiation):
    """JSON, or a grid in the format that Accept names, or the format of a file."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[Any],
        format_suffix: str | None = None,
    ) -> tuple[Any, str]:
        found = super().select_renderer(request, renderers, format_suffix)
        accept = request.headers.get("Accept", "")
        if found[0].filename or choose_media_type(accept, [_JSON, *_GRIDS]) == _JSON:
            return found
        format, media_type = choose_format(accept)
        return GridRenderer(format, media_type), media_type


class QualityView(ReadingView):
    """What the histories of points are lacking, the worst points first."""

    content_negotiation_class = QualityNegotiation
    file_stem = "quality"
    is_list = True

    @extend_schema(
        operation_id="quality_list",
        parameters=[
            query(
                "filter",
                "a Haystack filter; without it, all points with history."
                " It must not match more than the cap `IDS`",
            ),
            query(
                "range",
                "as for `hisRead`, in the time zone of each point;"
                f" default: the last {DAYS} days",
            ),
            query(
                "flat",
                "hours that the value of a sensor may stay the same:"
                f" {FLAT_HOURS} by default",
                {"type": "number", "exclusiveMinimum": True, "minimum": 0},
            ),
            query(
                "sort",
                "a field of the answer, with `-` in front for descending order;"
                " default: `score`, the worst points first",
                {"type": "string", "enum": [*SORTS, *(f"-{one}" for one in SORTS)]},
            ),
            query(
                "limit",
                "points in the answer at most: the first ones in this order",
                {"type": "integer", "minimum": 1},
            ),
            *openapi.DOWNLOAD,
        ],
        responses={
            (200, "application/json"): openapi.QUALITY,
            **openapi.FILES,
            **openapi.error_responses(403, 406),
        },
    )
    @replicated
    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        """The quality of the histories of points, the worst points first."""
        params = request.query_params
        most = rows_at_most(params)
        with self.op_context() as context:
            found = quality(
                context,
                params.get("filter"),
                params.get("range"),
                read_hours(params.get("flat", str(FLAT_HOURS))),
                params.get("sort", "score"),
                cap=limit("IDS"),
            )
        return _answer(request, found[:most], len(found))


def _answer(request: Request, rows: list[PointQuality], count: int) -> HttpResponseBase:
    renderer = request.accepted_renderer
    if isinstance(renderer, GridRenderer):
        return renderer.response(as_grid(rows))
    answer = Response({"results": [as_json(row) for row in rows], "count": count})
    return as_file(request, answer)
