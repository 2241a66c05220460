"""Parsers of requests: grids of ops, and the JSON of REST resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.http import QueryDict
from rest_framework.parsers import BaseParser

from ..kinds.grid import Grid
from ..kinds.scalars import is_tag_name
from ..wire import hayson_reader, json3_reader, zinc_reader
from ..wire.errors import ParseError
from ..wire.registry import HAYSON, JSON3, Format, text_of
from .bodies import request_body
from .exceptions import BadRequest

__all__ = ["HaysonParser", "body_grid", "query_grid"]

_JSON_READERS = {
    HAYSON.name: hayson_reader.read_value,
    JSON3.name: json3_reader.read_value,
}


class HaysonParser(BaseParser):
    """Parses JSON; serializers decode its values as Hayson."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        assert parser_context is not None
        request = parser_context["request"]
        try:
            return hayson_reader.parse_json(request_body(request._request))
        except ParseError as err:
            raise BadRequest(str(err)) from None


def body_grid(format: Format, body: bytes, *, accepts_list: bool) -> Grid:
    """The grid of a request's body. Raises ParseError."""
    if accepts_list and (reader := _JSON_READERS.get(format.name)):
        value = reader(text_of(body))
        if isinstance(value, list) and all(isinstance(row, dict) for row in value):
            return Grid.of(value)
        if isinstance(value, Grid):
            return value
        raise ParseError("expected a grid or a list of dicts")
    grid = format.read_bytes(body)
    if not grid.cols:
        raise ParseError("a grid must have at least one column")
    return grid


def query_grid(query: QueryDict) -> Grid:
    """A grid with one row from a query string: Zinc values, or else strings.

    Parameters that are not valid tag names are ignored. Raises ParseError for a
    parameter with several different values.
    """
    row: dict[str, Any] = {}
    for name, texts in query.lists():
        if not is_tag_name(name):
            continue
        if len(set(texts)) > 1:
            raise ParseError(f"parameter {name} has {len(texts)} values: use POST")
        if (value := _argument(texts[0])) is not None:
            row[name] = value
    return Grid.of([row]) if row else Grid()


def _argument(text: str) -> Any:
    try:
        return zinc_reader.read_value(text)
    except ParseError:
        return text
