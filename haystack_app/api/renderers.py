"""Renderers of responses: grids of ops, and the JSON of REST resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
from django.http import (
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.utils.http import content_disposition_header
from rest_framework.renderers import BaseRenderer

from ..kinds.grid import Col, Grid
from ..kinds.scalars import Ref
from ..transfer.workbooks.grids import workbook_chunks
from ..wire.registry import Format, MediaType

__all__ = [
    "XLSX",
    "GridRenderer",
    "HaysonRenderer",
    "WorkbookRenderer",
    "as_download",
    "response_of",
    "titled_by_ids",
]

XLSX = Format(
    "xlsx",
    (MediaType("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),),
    None,
    None,
    has_meta=False,
)
"""Of downloads alone: Accept does not choose it."""

_STREAM_ABOVE = 256 * 1024
"""Bytes of the longest response that is sent with Content-Length."""


class GridRenderer(BaseRenderer):
    """Renders grids in one format with the requested media type.

    With a ``filename`` the answer is a download for a person.
    """

    charset = "utf-8"

    def __init__(self, format: Format, media_type: str, filename: str = "") -> None:
        self.grid_format = format
        self.filename = filename
        self.format = format.name
        self.media_type = media_type

    def render(
        self,
        data: Grid,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"".join(self.chunks(data))

    def chunks(self, grid: Grid) -> Iterator[bytes]:
        write = self.grid_format.write
        if self.filename and self.grid_format.download is not None:
            write = self.grid_format.download
        assert write is not None
        return (piece.encode() for piece in write(grid))

    def response(self, grid: Grid) -> HttpResponseBase:
        """The response: streamed if it is long.

        Errors before the first bytes are sent are raised here. A later error breaks
        the connection, so that clients do not mistake a partial grid for a whole one.
        """
        if not self.grid_format.has_meta:
            grid = _without_meta(grid)
        answer = response_of(self.chunks(grid), self.content_type)
        return as_download(answer, self.filename)

    @property
    def content_type(self) -> str:
        return f"{self.media_type}; charset={self.charset}"


class WorkbookRenderer(GridRenderer):
    """Renders grids as workbooks (.xlsx)."""

    charset = None  # type: ignore[assignment]

    def chunks(self, grid: Grid) -> Iterator[bytes]:
        return workbook_chunks(grid)

    @property
    def content_type(self) -> str:
        return self.media_type


class HaysonRenderer(BaseRenderer):
    """Renders JSON; an ``orjson.Fragment`` in the data is written verbatim."""

    media_type = "application/json"
    format = "json"
    charset = "utf-8"

    def __init__(self, filename: str = "") -> None:
        self.filename = filename

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


def _without_meta(grid: Grid) -> Grid:
    """A grid for formats without meta: errors and incomplete data become rows."""
    if "incomplete" in grid.meta:
        grid = Grid.error(
            f"{grid.meta['incomplete']['dis']}, which CSV, Trio and xlsx cannot"
            " express: request fewer rows, or use Accept: text/zinc"
        )
    return Grid.of([grid.meta]) if grid.is_error else titled_by_ids(grid)


def titled_by_ids(grid: Grid) -> Grid:
    """Columns of points without names, for several points may have the same one."""
    ids = [col.meta.get("id") for col in grid.cols]
    if not any(isinstance(id, Ref) for id in ids):
        return grid
    cols = [
        Col(col.name, {**col.meta, "id": Ref(id.id)}) if isinstance(id, Ref) else col
        for col, id in zip(grid.cols, ids, strict=True)
    ]
    return replace(grid, cols=cols)


def response_of(chunks: Iterator[bytes], content_type: str) -> HttpResponseBase:
    """The response: streamed if it is long."""
    head: list[bytes] = []
    size = 0
    for chunk in chunks:
        head.append(chunk)
        size += len(chunk)
        if size > _STREAM_ABOVE:
            body = _continued(head, chunks)
            return StreamingHttpResponse(body, content_type=content_type)
    return HttpResponse(b"".join(head), content_type=content_type)


def as_download(answer: HttpResponseBase, filename: str) -> HttpResponseBase:
    """The response, which a browser saves as a file unless the name is empty."""
    if header := content_disposition_header(bool(filename), filename):
        answer["Content-Disposition"] = header
    return answer


def _continued(head: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    """All chunks; a generator, so that closing the response also closes ``rest``."""
    yield from head
    yield from rest
