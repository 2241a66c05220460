"""The ops ``hisRead`` and ``hisWrite``, for single points and batches.

Source: docHaystack Ops. A batch hisRead has ``range`` in the grid's meta and ids in
the rows; a batch hisWrite has ids in the meta of columns. A batch by ``filter`` is an
extension.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

from ..kinds.columns import SampleRows
from ..kinds.display import Reasons
from ..kinds.grid import Col, Grid
from ..kinds.scalars import Number, Ref
from ..kinds.series import JoinedSeries
from ..storage.errors import InvalidSample
from ..storage.sample_edits import Origin
from ..storage.samples import Sample, checked
from .arguments import check_id_count, require_ref, require_str, row_ids
from .his_batch import HisBatch, bounds_of, dropped_meta, window_of
from .his_folds import FoldArguments, decimated_series, rolled_up
from .his_points import historized, records_of
from .his_range import parse_range
from .registry import Context, OpError, op

__all__: list[str] = []

_CHECKED_AGAIN = 500_000
"""Samples of a refused request, which take about 2 s."""


@op("hisRead", permission="view_entity")
def his_read(context: Context, request: Grid) -> Grid:
    """Samples of one point, or of several in one grid, within a range.

    The range is interpreted in the time zone of the point, or in that of meta
    ``tz`` of a batch; its start is included, its end is excluded. With ``rollup`` and
    ``interval`` the answer has folds of the samples instead, a row for each interval;
    with ``maxPoints`` about so many samples or rows. A ``filter`` may stand for the
    ids of a batch, in its meta or as an argument of GET.
    """
    arguments = request.first
    if "range" in request.meta:
        ids = _rows_or_filter(request)
        return _batch(HisBatch.of(context, request.meta, ids))
    if arguments.get("filter") is not None:
        if arguments.get("id") is not None:
            raise OpError("give id or filter, not both of them")
        return _batch(HisBatch.of(context, arguments, None, "tz"))
    id = require_ref(arguments.get("id"))
    if arguments.get("range") is None:
        raise OpError("missing range")
    [record] = records_of(context, [id.id])
    [point] = historized([record])
    span = parse_range(arguments["range"], point.tz, context.now)
    bounds = bounds_of(context, span, [record])
    meta = {"id": Ref(id.id), **bounds, **dropped_meta(point, span)}
    try:
        folding = FoldArguments.of(arguments)
    except ValueError as err:
        raise OpError(f"@{id.id}: {err}") from None
    series = context.storage.his_series(point, span.start.utc, span.until)
    if folding is not None:
        window = window_of(context, span, bounds)
        if not folding.decimates:
            one = [point], [record]
            grid = rolled_up(context.storage, *one, folding, window, alone=True)
            return replace(grid, meta={**meta, **grid.meta})
        series = decimated_series(context.storage, point, folding, window, record)
    return Grid((Col("ts"), Col("val")), series, meta)


def _rows_or_filter(request: Grid) -> list[str] | None:
    """The ids of a batch; None if the meta has a filter instead."""
    if request.meta.get("filter") is None:
        ids = [ref.id for ref in row_ids(request)]
        if not ids:
            raise OpError("missing rows with ids, or meta filter")
        return ids
    if any("id" in row for row in request.rows):
        raise OpError("give rows with ids or meta filter, not both of them")
    return None


def _batch(batch: HisBatch) -> Grid:
    if batch.is_rolled_up:
        grid = batch.rolled_up()
        return replace(grid, meta={**batch.bounds, **grid.meta})
    cols = [
        Col(f"v{index}", {"id": Ref(point.id), **dropped_meta(point, batch.span)})
        for index, point in enumerate(batch.points)
    ]
    rows = JoinedSeries(
        batch.span.start.tz,
        [col.name for col in cols],
        batch.series(),
        batch.context.storage.snapshot,
    )
    return Grid([Col("ts"), *cols], rows, batch.bounds)


@op(
    "hisWrite",
    permission="write_history",
    side_effects=True,
    takes_samples=True,
    as_job=True,
)
def his_write(context: Context, request: Grid) -> Grid:
    """Write samples of one point, or of several in one grid.

    All samples of the request are stored, or none of them.
    """
    if "id" in request.meta:
        id = require_ref(request.meta["id"], "meta id").id
        _require_columns(request, "ts", "val")
        col = request.cols[request.names.index("val")]
        val = Col("val", {**request.meta, **col.meta})
        _write(context, {id: _samples(request, val)})
        return Grid()
    if request.names[0] != "ts":
        raise OpError("missing meta id, or ts as the first column")
    if len(request.cols) < 2:
        raise OpError("missing meta id, or columns with meta id after ts")
    check_id_count(len(request.cols) - 1)
    samples: dict[str, Iterable[Sample]] = {}
    for col in request.cols[1:]:
        id = require_ref(col.meta.get("id"), f"id in the meta of column {col.name}").id
        if id in samples:
            raise OpError(f"duplicate column for @{id}")
        samples[id] = _samples(request, col)
    _write(context, samples)
    return Grid()


def _samples(request: Grid, col: Col) -> Iterable[Sample]:
    """The samples of a column, which may be read several times."""
    if not isinstance(request.rows, SampleRows):
        return [
            (row.get("ts"), _in_unit(col, row.get(col.name))) for row in request.rows
        ]
    column = request.rows.columns[col.name]
    if all(val is None for val in column.vals):
        return column
    return replace(column, unit=_in_unit(col, Number(0, column.unit)).unit)


def _in_unit(col: Col, value: Any) -> Any:
    """A number of a column whose meta has a unit; the store compares it with its own.

    Raises OpError if the number has another unit.
    """
    unit = col.meta.get("unit")
    if unit is None or type(value) is not Number:
        return value
    own = Number(value.val, require_str(unit, f"unit of column {col.name}"))
    if value.unit not in (None, own.unit):
        raise OpError(
            f"column {col.name}: unit is {value.unit} in a row and {own.unit} in its"
            " meta"
        )
    return own


def _write(context: Context, samples: dict[str, Iterable[Sample]]) -> None:
    """Raises InvalidSample that names all invalid samples."""
    try:
        origin = Origin(context.username)
        context.storage.his_write_all(samples, context.now, origin=origin)
    except InvalidSample as err:
        raise InvalidSample(_reasons(context, samples) or str(err)) from None


def _reasons(context: Context, samples: dict[str, Iterable[Sample]]) -> str:
    """Why samples are invalid, counted from 1 for each point.

    Of a very long request only the first samples of each point are checked again.
    """
    reasons = Reasons()
    most = _CHECKED_AGAIN // max(1, len(samples))
    for point in context.storage.his_points(list(samples)):
        for number, sample in enumerate(islice(samples[point.id], most), 1):
            try:
                checked(point, [sample])
            except InvalidSample as err:
                reasons.add(str(err).replace("sample 1:", f"sample {number}:", 1))
    return str(reasons) if reasons else ""


def _require_columns(request: Grid, *names: str) -> None:
    for name in names:
        if name not in request.names:
            raise OpError(f"missing column {name}")
