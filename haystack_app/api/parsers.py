"""Parsers of requests: grids of ops, and the JSON of REST resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, Any

from django.http import QueryDict
from rest_framework.parsers import BaseParser

from ..kinds.display import Reasons
from ..kinds.grid import Grid
from ..kinds.scalars import is_tag_name
from ..wire import (
    hayson_reader,
    json3_reader,
    sample_reader,
    trio_reader,
    zinc_reader,
)
from ..wire.errors import ParseError
from ..wire.registry import HAYSON, JSON3, TRIO, ZINC, Format, text_of
from ..wire.row_errors import row_errors
from .bodies import request_body
from .exceptions import BadRequest

__all__ = ["HaysonParser", "body_grid", "query_grid"]

_JSON3_GRID = {"meta", "cols", "rows"}


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


def body_grid(
    format: Format,
    body: bytes,
    *,
    accepts_list: bool,
    in_columns: bool = False,
    is_marker: Callable[[str], bool] | None = None,
) -> Grid:
    """The grid of a request's body.

    ``accepts_list``: whether JSON may be a list of dicts instead; ``in_columns``:
    whether samples may be read as columns; ``is_marker`` says of ``name:M`` in Trio.
    Raises ParseError, with all invalid rows.
    """
    text = text_of(body)
    try:
        return _grid(format, text, accepts_list, in_columns, is_marker)
    except ParseError as err:
        reasons = Reasons()
        for found in row_errors(format, text, err):
            reasons.add(str(found))
        if reasons.count < 2:
            raise
        raise ParseError(str(reasons)) from None


def _grid(
    format: Format,
    text: str,
    accepts_list: bool,
    in_columns: bool,
    is_marker: Callable[[str], bool] | None,
) -> Grid:
    grid = _value(format, text, in_columns, is_marker)
    if accepts_list and _is_list_of_dicts(grid):
        return Grid.of(grid)
    if not isinstance(grid, Grid):
        other = " or a list of dicts" if accepts_list else ""
        raise ParseError(
            f'expected a grid{other}: an object with "_kind":"grid", meta, cols, rows',
            "the root",
        )
    if not grid.cols:
        raise ParseError("a grid must have at least one column")
    return grid


def _is_list_of_dicts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _value(
    format: Format,
    text: str,
    in_columns: bool,
    is_marker: Callable[[str], bool] | None,
) -> Any:
    if format in (HAYSON, JSON3):
        return _json(format, text, in_columns)
    if format is TRIO:
        return trio_reader.read_grid(text, is_marker)
    if in_columns and format is ZINC and (found := sample_reader.zinc_samples(text)):
        return found
    return format.read_text(text)


def _json(format: Format, text: str, in_columns: bool) -> Any:
    """The value of JSON, which is JSON 3 if its media type or its form says so."""
    value = hayson_reader.parse_json(text)
    is_grid = isinstance(value, dict) and value.keys() >= _JSON3_GRID
    is_json3 = format is JSON3 or (is_grid and "_kind" not in value)
    if in_columns and not is_json3 and (found := sample_reader.hayson_samples(value)):
        return found
    try:
        return json3_reader.decode(value) if is_json3 else hayson_reader.decode(value)
    except ParseError as err:
        raise err if err.position else ParseError(err.message, "the root") from None


_RAW = {"search"}
"""Arguments whose text is never read as a Zinc value."""


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
        value = texts[0] if name in _RAW else _argument(texts[0])
        if value is not None:
            row[name] = value
    return Grid.of([row]) if row else Grid()


def _argument(text: str) -> Any:
    try:
        return zinc_reader.read_value(text)
    except ParseError:
        return text
