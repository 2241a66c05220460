"""The op ``curWrite``: values that connectors read from devices, many per call.

An extension: docHaystack has no op for it. Source of the tags: docHaystack Points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kinds.grid import Grid
from ..kinds.scalars import REMOVE
from ..storage.currents import Current
from .arguments import require_str, row_ids
from .registry import Context, OpError, op

__all__: list[str] = []


@op("curWrite", permission="write_cur", side_effects=True)
def cur_write(context: Context, request: Grid) -> Grid:
    """Set the current values of the points in the rows, all of them or none.

    Columns are ``id``, ``val``, and optionally ``status`` (default: ok, or unknown
    without a val) and ``err``. A row without ``val`` removes the value.
    """
    if request.rows and not {"val", "status", "err"}.intersection(request.names):
        raise OpError("missing column val")
    currents: dict[str, Current] = {}
    for number, (ref, row) in enumerate(
        zip(row_ids(request), request.rows, strict=True), 1
    ):
        if ref.id in currents:
            raise OpError(f"row {number}: duplicate id @{ref.id}")
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
        require_str(status, f"status in row {number}"),
        None if err is None else require_str(err, f"err in row {number}"),
    )
