"""The op ``curWrite``: what connectors read from the field, many points a call.

An extension: docHaystack has no op for it. Source of the tags: docHaystack Points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kinds.grid import Grid
from ..kinds.scalars import REMOVE
from ..storage.currents import Current
from .arguments import refs_of, text_of
from .registry import Context, OpError, op

__all__: list[str] = []


@op("curWrite", permission="write_cur", side_effects=True)
def cur_write(context: Context, request: Grid) -> Grid:
    """Set the current values of the points of the rows, all of them or none.

    Columns ``id``, ``val``, and if you like ``status`` (ok, or unknown without a
    val) and ``err``. A row without ``val`` takes the value away.
    """
    if request.rows and not {"val", "status", "err"}.intersection(request.names):
        raise OpError("missing column val")
    currents: dict[str, Current] = {}
    for number, (ref, row) in enumerate(
        zip(refs_of(request), request.rows, strict=True), 1
    ):
        if ref.id in currents:
            raise OpError(f"row {number}: id @{ref.id} is given twice")
        currents[ref.id] = _current(row, number)
    context.storage.cur_write(currents)
    return Grid()


def _current(row: Mapping[str, Any], number: int) -> Current:
    val, status, err = (row.get(name) for name in ("val", "status", "err"))
    if val is REMOVE:
        val = None
    if status is None:
        status = "unknown" if val is None else "ok"
    return Current(
        val,
        text_of(status, f"status in row {number}"),
        None if err is None else text_of(err, f"err in row {number}"),
    )
