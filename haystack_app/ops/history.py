"""The ops ``hisRead`` and ``hisWrite``, for single points and batches.

Source: docHaystack Ops. A batch hisRead has ``range`` in the grid's meta and ids in
the rows; a batch hisWrite has ids in the meta of columns. A batch by ``filter`` is an
extension.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from ..kinds.columns import SampleColumn, SampleRows
from ..kinds.display import Reasons
from ..kinds.grid import Col, Grid
from ..kinds.scalars import Number
from ..kinds.series import JoinedSeries
from ..kinds.timezones import same_zone
from ..storage.errors import InvalidSample
from ..storage.names import ref_of
from ..storage.sample_edits import Origin
from ..storage.samples import Batch, HisPoint, Sample, checked
from ..storage.short_transactions import sample_parts, write_part, write_samples
from .arguments import check_id_count, require_ref, require_str, row_ids
from .his_batch import HisBatch, bounds_of, dropped_meta, window_of
from .his_folds import FoldArguments, decimated_series, rolled_up
from .his_points import historized, records_of, zone_for
from .his_range import parse_range
from .registry import Context, OpError, Step, op

__all__ = ["batch_grid"]

Samples = dict[str, SampleColumn | list[Sample]]
_CHECKED_AGAIN = 500_000
"""Samples of a refused request, which take about 2 s."""


@op(
    "hisRead",
    permission="view_entity",
    replicated=True,
    download="history",
    arguments={
        "id": "a point, such as `@ahu-1.temp`",
        "filter": "a filter of several points instead",
        "range": "`today`, `yesterday`, a day, two days or two instants with a comma",
        "tz": "the time zone of a batch by `filter`",
        "rollup": "folds with commas, such as `min,avg,max`",
        "interval": "of the folds, such as `1hr` or `1day`",
        "maxPoints": "about so many samples, or rows of folds",
    },
)
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
        return batch_grid(HisBatch.of(context, request.meta, ids))
    if arguments.get("filter") is not None:
        if arguments.get("id") is not None:
            raise OpError("give id or filter, not both of them")
        return batch_grid(HisBatch.of(context, arguments, None, "tz"))
    id = require_ref(arguments.get("id"))
    if arguments.get("range") is None:
        raise OpError("missing range")
    [record] = records_of(context, [id.id])
    [point] = historized([record])
    _check_zone(arguments.get("tz"), point)
    span = parse_range(arguments["range"], point.tz, context.now)
    bounds = bounds_of(context, span, [record])
    meta = {"id": ref_of(record), **bounds, **dropped_meta(point, span)}
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


def _check_zone(tz: Any, point: HisPoint) -> None:
    """Raises OpError for another zone than that of the point, and UnknownTimeZone."""
    if not same_zone(zone_for(tz, [point], "tz"), point.tz):
        raise OpError(
            f"tz: times and intervals of one point are in its own zone, {point.tz};"
            " another one needs a batch, with range and tz in the meta, or a filter"
        )


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


def batch_grid(batch: HisBatch) -> Grid:
    """The answer of a batch: ``ts``, and a column for each point or fold of it."""
    if batch.is_rolled_up:
        grid = batch.rolled_up()
        return replace(grid, meta={**batch.bounds, **grid.meta})
    cols = [
        Col(f"v{index}", {"id": ref_of(record), **dropped_meta(point, batch.span)})
        for index, (point, record) in enumerate(
            zip(batch.points, batch.records, strict=True)
        )
    ]
    rows = JoinedSeries(
        batch.span.start.tz,
        [col.name for col in cols],
        batch.series(),
        batch.context.storage.snapshot,
    )
    return Grid([Col("ts"), *cols], rows, batch.bounds)


def _steps(context: Context, request: Grid) -> list[Step] | None:
    """Parts, where other writers would wait for the whole."""
    if not context.storage.splits_samples:
        return None
    samples = _requested(request)
    origin = Origin(context.username)
    with _all_reasons(context, samples):
        parts = sample_parts(context.storage, samples)
    return [
        partial(_stored, points, part, context.now, origin) for points, part in parts
    ]


def _stored(
    points: Sequence[HisPoint],
    part: Mapping[str, Batch],
    now: dt.datetime,
    origin: Origin,
    context: Context,
) -> dict[str, int]:
    write_part(context.storage, points, part, now, origin)
    return {}


@op(
    "hisWrite",
    permission="write_history",
    side_effects=True,
    takes_samples=True,
    as_job=True,
    steps=_steps,
)
def his_write(context: Context, request: Grid) -> Grid:
    """Write samples of one point, or of several in one grid.

    None are stored if one is invalid.
    """
    samples = _requested(request)
    with _all_reasons(context, samples):
        origin = Origin(context.username)
        write_samples(context.storage, samples, context.now, origin)
    return Grid()


def _requested(request: Grid) -> Samples:
    """The samples by id of point. Raises OpError."""
    if "id" in request.meta:
        id = require_ref(request.meta["id"], "meta id").id
        _require_columns(request, "ts", "val")
        col = request.cols[request.names.index("val")]
        val = Col("val", {**request.meta, **col.meta})
        return {id: _samples(request, val)}
    if request.names[0] != "ts":
        raise OpError("missing meta id, or ts as the first column")
    if len(request.cols) < 2:
        raise OpError("missing meta id, or columns with meta id after ts")
    check_id_count(len(request.cols) - 1)
    samples: Samples = {}
    for col in request.cols[1:]:
        id = require_ref(col.meta.get("id"), f"id in the meta of column {col.name}").id
        if id in samples:
            raise OpError(f"duplicate column for @{id}")
        samples[id] = _samples(request, col)
    return samples


def _samples(request: Grid, col: Col) -> SampleColumn | list[Sample]:
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


@contextmanager
def _all_reasons(context: Context, samples: Samples) -> Iterator[None]:
    """An InvalidSample that is raised inside names all invalid samples."""
    try:
        yield
    except InvalidSample as err:
        raise InvalidSample(_reasons(context, samples) or str(err)) from None


def _reasons(context: Context, samples: Samples) -> str:
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
