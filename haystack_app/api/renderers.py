"""Grids in and out of HTTP bodies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.http import (
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from rest_framework.renderers import BaseRenderer

from ..kinds.grid import Grid
from ..kinds.scalars import is_tag_name
from ..wire import hayson_reader, json3_reader, zinc_reader
from ..wire.errors import ParseError
from ..wire.registry import HAYSON, JSON3, Format, text_of

__all__ = ["GridRenderer", "body_grid", "query_grid"]

_JSON_READERS = {
    HAYSON.name: hayson_reader.read_value,
    JSON3.name: json3_reader.read_value,
}
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


def body_grid(format: Format, body: bytes, *, takes_list: bool) -> Grid:
    """The grid of a request's body. Raises ParseError."""
    if takes_list and (reader := _JSON_READERS.get(format.name)):
        value = reader(text_of(body))
        if isinstance(value, list) and all(isinstance(row, dict) for row in value):
            return Grid.of(value)
        if isinstance(value, Grid):
            return value
        raise ParseError("expected a grid, or a list of dicts")
    grid = format.read_bytes(body)
    if not grid.cols:
        raise ParseError("a grid has one column at least")
    return grid


def query_grid(query: QueryDict) -> Grid:
    """One row of a query string: a Zinc value where the whole text is one.

    Parameters whose names are no tag names belong to somebody else. Raises
    ParseError for one that is given twice with two values: a row has one.
    """
    row: dict[str, Any] = {}
    for name, texts in query.lists():
        if not is_tag_name(name):
            continue
        if len(set(texts)) > 1:
            raise ParseError(f"parameter {name} has {len(texts)} values: POST a grid")
        if (value := _argument(texts[0])) is not None:
            row[name] = value
    return Grid.of([row]) if row else Grid()


def _argument(text: str) -> Any:
    try:
        return zinc_reader.read_value(text)
    except ParseError:
        return text
