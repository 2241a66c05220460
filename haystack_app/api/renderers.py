"""Answers: grids of the ops, and the JSON of REST resources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from django.http import (
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from rest_framework.renderers import BaseRenderer

from ..kinds.grid import Grid
from ..wire.registry import Format

__all__ = ["GridRenderer", "HaysonRenderer"]

_WHOLE = 256 * 1024
"""Bytes up to which an answer is sent whole, with its length."""


class GridRenderer(BaseRenderer):
    """Writes grids in one format under the media type that was asked for."""

    charset = "utf-8"

    def __init__(self, format: Format, media_type: str) -> None:
        self.grid_format = format
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
        assert self.grid_format.write is not None
        return (piece.encode() for piece in self.grid_format.write(grid))

    def response(self, grid: Grid) -> HttpResponseBase:
        """A short answer whole, a long one streamed.

        What fails before the first bytes leave raises here; a failure behind
        them breaks the connection, so that no half grid passes for a whole one.
        """
        if not self.grid_format.has_meta:
            grid = _told_without_meta(grid)
        chunks = self.chunks(grid)
        head: list[bytes] = []
        size = 0
        for chunk in chunks:
            head.append(chunk)
            size += len(chunk)
            if size > _WHOLE:
                return self._streamed(_continued(head, chunks))
        return HttpResponse(b"".join(head), content_type=self.content_type)

    def _streamed(self, chunks: Iterable[bytes]) -> HttpResponseBase:
        return StreamingHttpResponse(chunks, content_type=self.content_type)

    @property
    def content_type(self) -> str:
        return f"{self.media_type}; charset={self.charset}"


class HaysonRenderer(BaseRenderer):
    """JSON; an ``orjson.Fragment`` in the data is written as it is."""

    media_type = "application/json"
    format = "json"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


def _told_without_meta(grid: Grid) -> Grid:
    """A grid for formats that lose its meta: no error and no cut goes untold."""
    if "incomplete" in grid.meta:
        dis = f"{grid.meta['incomplete']['dis']}, which CSV and Trio cannot say: "
        grid = Grid.error(dis + "ask for fewer, or Accept text/zinc")
    return Grid.of([grid.meta]) if grid.is_error else grid


def _continued(head: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    """A generator, so that closing the response closes what it reads from."""
    yield from head
    yield from rest
