"""The op ``eval``, by which dashboards and clients send expressions.

Source: Haxall's lib-hx, op eval. See ``axon`` for what is understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..filters import parse as parse_filter
from ..filters import parser, without_trash
from ..kinds.grid import Col, Grid
from ..kinds.scalars import Ref, Symbol
from ..wire.errors import ParseError
from ..wire.record import Record
from .arguments import require_str
from .axon import UNDERSTOOD, Query, parse_query
from .his_batch import HisBatch
from .his_points import records_of
from .history import batch_grid
from .read import by_filter
from .registry import Context, OpError, op

__all__: list[str] = []

_ONE_ZONE = "a condition on tz in the filter"


@op(
    "eval",
    permission="view_entity",
    replicated=True,
    arguments={"expr": "such as `readAll(temp).hisRead(lastMonth)`"},
)
def evaluate(context: Context, request: Grid) -> Grid:
    """The entities, or the samples of points, that an expression asks for.

    ``expr`` is a filter, ``readAll(filter)``, ``read(filter)`` or ``readById(@id)``,
    the last three also with ``.hisRead(range)`` and ``.hisRollup(fold, interval)``. The
    answers are those of ``read`` and of a batch of ``hisRead``.
    """
    query = _query(request.first.get("expr"))
    if query.source == "readAll":
        if query.span is None:
            return by_filter(context, parse_filter(query.filter), None)
        return _samples(context, query, None)
    record = _one(context, query)
    if query.span is None:
        return Grid.of([record])
    return _samples(context, query, record["id"].id)


def _query(value: object) -> Query:
    """Raises OpError."""
    # the filter ^symbol in a URL is read as a Symbol
    text = str(value) if isinstance(value, Symbol) else require_str(value, "expr")
    if len(text) > parser.MAX_LENGTH:
        raise OpError(
            f"expr is longer than {parser.MAX_LENGTH} characters (cap FILTER_LENGTH)"
        )
    try:
        return parse_query(text)
    except ParseError as err:
        raise OpError(f"{err}. {UNDERSTOOD}") from None


def _one(context: Context, query: Query) -> Record:
    """The entity with the id, or the first by id that matches.

    Raises UnknownEntity or OpError.
    """
    if query.source == "readById":
        [record] = records_of(context, [query.id])
        return record
    tree = without_trash(parse_filter(query.filter))
    found = context.storage.page(tree, "", 1)
    if not found:
        raise OpError("filter matches no entities")
    return found[0]


def _samples(context: Context, query: Query, id: str | None) -> Grid:
    arguments: dict[str, Any] = {"filter": query.filter, "range": query.span}
    if query.fold is not None:
        arguments |= {"rollup": query.fold, "interval": query.interval}
    ids = None if id is None else [id]
    batch = HisBatch.of(context, arguments, ids, _ONE_ZONE)
    names = {record["id"].id: record.get("dis") for record in batch.records}
    grid = batch_grid(batch)
    return replace(grid, cols=[_named(col, names) for col in grid.cols])


def _named(col: Col, names: Mapping[str, Any]) -> Col:
    """With the name of the point, which dashboards show."""
    point = col.meta.get("id")
    dis = names.get(point.id) if isinstance(point, Ref) else None
    return Col(col.name, {**col.meta, "dis": dis}) if isinstance(dis, str) else col
