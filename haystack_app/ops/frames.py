"""Histories of several points as a frame: for the REST API and a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..kinds.grid import Grid
from ..kinds.scalars import MARKER
from ..storage.names import record_name
from ..storage.samples import HisPoint
from ..transfer.frames.frame import Column, Frame
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .his_batch import HisBatch, dropped_meta
from .registry import Context

__all__ = ["history_frame"]

_LARGEST = 65_536
"""Samples of a history that is read alone: a page of so many costs less than four."""
_OF_SAMPLES = ("first", "last")
"""Folds with values of the point's kind; all others are Numbers."""


def history_frame(
    context: Context,
    arguments: Mapping[str, Any],
    ids: Sequence[str] | None,
    *,
    side_by_side: bool = True,
) -> Frame:
    """The samples, or roll-ups, of points by ids, or by ``filter`` if they are None.

    Arguments are those of a batch of hisRead. An id that is repeated is one column.
    Histories that are not read ``side_by_side``, in blocks, have longer chunks.
    Raises OpError, StorageError, ParseError and FoldError.
    """
    distinct = None if ids is None else list(dict.fromkeys(ids))
    batch = HisBatch.of(context, arguments, distinct, "tz")
    tz, view = batch.span.start.tz, context.storage.snapshot
    about = {
        "tz": tz,
        "hisStart": batch.bounds["hisStart"].iso,
        "hisEnd": batch.bounds["hisEnd"].iso,
    }
    if batch.is_rolled_up:
        grid = batch.rolled_up()
        columns, keys = _folded(batch, grid), grid.names[1:]
        said = about | _said(grid)
        return Frame(tz, columns, rows=grid.rows, keys=keys, meta=said)
    pairs = zip(batch.points, batch.records, strict=True)
    columns = [_column(point, record) for point, record in pairs]
    about |= _dropped(batch)
    size = None if side_by_side and len(columns) > 1 else _LARGEST
    return Frame(tz, columns, batch.series(size), meta=about, view=view)


def _said(grid: Grid) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rollup": grid.meta["rollup"],
        "interval": display_text(grid.meta["interval"]),
    }
    return found | ({"partial": True} if grid.meta.get("partial") is MARKER else {})


def _dropped(batch: HisBatch) -> dict[str, Any]:
    """Before when samples of points, by their names, are gone; nothing if none are."""
    found = {
        _name(point.id): meta["dropped"].iso
        for point in batch.points
        if (meta := dropped_meta(point, batch.span))
    }
    return {"dropped": found} if found else {}


def _column(point: HisPoint, record: Record) -> Column:
    return Column.of(point, record_name(record), _name(point.id))


def _name(id: str) -> str:
    """The id, unless that is the name of the column of times."""
    return f"@{id}" if id == "ts" else id


def _folded(batch: HisBatch, grid: Grid) -> list[Column]:
    """Named by the point, and by the fold if there are several of one."""
    pairs = zip(batch.points, batch.records, strict=True)
    own = {point.id: _column(point, record) for point, record in pairs}
    cols = grid.cols[1:]
    ids = [col.meta["id"].id for col in cols]
    found = []
    for id, col in zip(ids, cols, strict=True):
        fold = col.meta["rollup"]
        column = own[id]
        found.append(
            replace(
                column,
                name=_name(id) if len(ids) == len(own) else f"{id} {fold}",
                kind=column.kind if fold in _OF_SAMPLES else "Number",
                unit=col.meta.get("unit"),
                fold=fold,
            )
        )
    return found
