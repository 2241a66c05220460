"""Frames as JSON: lists by column, and what the columns are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import orjson

from ...wire.samples import TimeTexts
from .frame import Block, Cells, Column, Frame
from .values import long_columns, reader_of

__all__ = ["MOST_VALUES", "TooManyValues", "json_text"]

MOST_VALUES = 1_000_000
"""Values, and cells without one, of an answer that is in memory as a whole."""


class TooManyValues(ValueError):
    """The frame does not fit into a JSON text."""

    def __init__(self) -> None:
        super().__init__(
            f"more than {MOST_VALUES:,} values in JSON: ask for a shorter range, fewer"
            " points or a rollup, or use Accept: text/csv or"
            " application/vnd.apache.arrow.stream, which are streamed"
        )


def json_text(frame: Frame, *, long: bool) -> bytes:
    """Raises TooManyValues.

    JSON has no numbers that are not finite: they are null in wide columns, and texts in
    long ones.
    """
    about = {**frame.meta, "columns": [_about(column) for column in frame.columns]}
    values = _long(frame) if long else _wide(frame)
    return orjson.dumps({**values, **about})


def _about(column: Column) -> dict[str, Any]:
    found = {
        "name": column.name,
        "id": column.id,
        "dis": column.dis,
        "kind": column.kind,
        "unit": column.unit,
        "tz": column.tz,
    }
    return {**found, "rollup": column.fold} if column.fold else found


def _wide(frame: Frame) -> dict[str, Any]:
    times = TimeTexts(frame.tz)
    stamps: list[str] = []
    columns: list[list[Any]] = [[] for _ in frame.columns]
    readers = [reader_of(column.kind) for column in frame.columns]
    for block in frame.blocks():
        stamps += times.of(block.times)
        if len(stamps) * len(columns) > MOST_VALUES:
            raise TooManyValues
        for values, cells, reader in zip(columns, block.cells, readers, strict=True):
            values += _values(block, cells, reader)
    names = [column.name for column in frame.columns]
    return {"ts": stamps, "values": dict(zip(names, columns, strict=True))}


def _values(block: Block, cells: Cells | None, reader: Any) -> Sequence[Any]:
    if cells is None:
        return [None] * len(block.times)
    values: list[Any] = list(cells.vals)
    for at, value in cells.others.items():
        values[at] = reader(value)
    return cells.spread(values, len(block.times))


def _long(frame: Frame) -> dict[str, Any]:
    times = TimeTexts(frame.tz)
    found: dict[str, list[Any]] = {"id": [], "ts": [], "val": [], "text": []}
    folds = [column.fold for column in frame.columns]
    if any(folds):
        found["fold"] = []
    for place, chunk in frame.runs():
        count = len(chunk.times)
        if len(found["ts"]) + count > MOST_VALUES:
            raise TooManyValues
        found["id"] += [frame.columns[place].id] * count
        if any(folds):
            found["fold"] += [folds[place]] * count
        found["ts"] += times.of(chunk.times)
        vals, texts = long_columns(chunk)
        for at in chunk.others:
            val = vals[at]
            if val is not None and not math.isfinite(val):
                vals[at], texts[at] = None, _not_finite(val)
        found["val"] += vals
        found["text"] += texts
    return found


def _not_finite(val: float) -> str:
    if math.isnan(val):
        return "NaN"
    return "INF" if val > 0 else "-INF"
