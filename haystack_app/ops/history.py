"""The ops ``hisRead`` and ``hisWrite``, for single points and batches.

Source: docHaystack Ops. A batch hisRead has ``range`` in the grid's meta and ids in
the rows; a batch hisWrite has ids in the meta of columns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from ..filters import is_trash
from ..folds.rollup import END
from ..kinds.columns import SampleRows
from ..kinds.datetimes import DateTime
from ..kinds.display import Reasons
from ..kinds.grid import Col, Grid
from ..kinds.scalars import Number, Ref
from ..kinds.series import LARGEST_CHUNK, JoinedSeries, Series, microseconds_of
from ..kinds.timezones import city_name, same_zone, zone_of
from ..storage.errors import InvalidSample, UnknownEntity
from ..storage.samples import HisPoint, Sample, checked
from ..wire.record import Record
from .arguments import check_id_count, require_ref, require_str, row_ids
from .his_folds import FoldArguments, Window, decimated_series, rolled_up
from .his_range import LAST, HisRange, parse_range, shown
from .registry import Context, OpError, op

__all__: list[str] = []

_BATCH_SAMPLES = 16 * LARGEST_CHUNK
"""Samples that a batch holds in memory, unless the smallest chunks exceed it."""
_SMALLEST_CHUNK = 64
_CHECKED_AGAIN = 500_000
"""Samples of a refused request, which take about 2 s."""
_MILLISECOND = dt.timedelta(milliseconds=1)


@op("hisRead", permission="view_entity")
def his_read(context: Context, request: Grid) -> Grid:
    """Samples of one point, or of several in one grid, within a range.

    The range is interpreted in the time zone of the point, or in that of meta
    ``tz`` of a batch; its start is included, its end is excluded. With ``rollup`` and
    ``interval`` the answer has folds of the samples instead, a row for each interval;
    with ``maxPoints`` about so many samples or rows.
    """
    if "range" in request.meta:
        return _read_batch(context, request)
    arguments = request.first
    id = require_ref(arguments.get("id"))
    if arguments.get("range") is None:
        raise OpError("missing range")
    [record] = _records(context, [id.id])
    point = HisPoint.of(record)
    span = parse_range(arguments["range"], point.tz, context.now)
    bounds = _bounds(context, span, [record])
    meta = {"id": Ref(id.id), **bounds}
    try:
        folding = FoldArguments.of(arguments)
    except ValueError as err:
        raise OpError(f"@{id.id}: {err}") from None
    series = _series(context, point, span)
    if folding is not None:
        window = _window(context, span, bounds)
        if not folding.decimates:
            one = [point], [record]
            grid = rolled_up(context.storage, *one, folding, window, alone=True)
            return replace(grid, meta={**meta, **grid.meta})
        series = decimated_series(series, folding, window, record)
    return Grid((Col("ts"), Col("val")), series, meta)


def _window(context: Context, span: HisRange, bounds: Mapping[str, DateTime]) -> Window:
    return Window(
        span.start.tz,
        microseconds_of(span.start.utc),
        END if span.until is None else microseconds_of(span.until),
        microseconds_of(bounds["hisEnd"].utc),
        microseconds_of(context.now),
    )


def _records(context: Context, ids: list[str]) -> list[Record]:
    """Raises UnknownEntity, as ``read`` does, also for entities in the trash."""
    records = []
    for id, record in zip(ids, context.storage.read_by_ids(ids), strict=True):
        if record is None or is_trash(record):
            raise UnknownEntity(id)
        records.append(record)
    return records


def _series(
    context: Context, point: HisPoint, span: HisRange, size: int = LARGEST_CHUNK
) -> Series:
    return context.storage.his_series(point, span.start.utc, span.until, size)


def _bounds(
    context: Context, span: HisRange, records: list[Record]
) -> dict[str, DateTime]:
    """Meta ``hisStart`` and ``hisEnd``.

    An open range ends at the current time, or after the newest sample if that is
    later, such as one of a forecast.
    """
    end = span.end
    if end is None:
        newest = (record["hisEnd"].utc for record in records if "hisEnd" in record)
        now = context.now.replace(microsecond=0)
        after = (min(at, LAST - _MILLISECOND) + _MILLISECOND for at in newest)
        end = shown(max(now, span.start.utc, *after), span.start.tz)
    return {"hisStart": span.start, "hisEnd": end}


def _read_batch(context: Context, request: Grid) -> Grid:
    ids = row_ids(request)
    if not ids:
        raise OpError("missing rows with ids")
    tz = request.meta.get("tz")
    if tz is not None:
        tz = city_name(require_str(tz, "tz"))
        zone_of(tz)
    records = _records(context, [id.id for id in ids])
    points = [HisPoint.of(record) for record in records]
    zones = sorted({point.tz for point in points})
    if tz is None and not all(same_zone(zone, zones[0]) for zone in zones):
        names = ", ".join(zones)
        raise OpError(f"missing meta tz: the points have several time zones ({names})")
    span = parse_range(request.meta["range"], tz or zones[0], context.now)
    # series are read side by side, so they share the memory of the batch
    size = max(_SMALLEST_CHUNK, min(LARGEST_CHUNK, _BATCH_SAMPLES // len(points)))
    bounds = _bounds(context, span, records)
    series = {point.id: _series(context, point, span, size) for point in points}
    folding = FoldArguments.of(request.meta)
    if folding is not None:
        folding.check_batch(len(points))
        window = _window(context, span, bounds)
        if not folding.decimates:
            grid = rolled_up(
                *(context.storage, points, records, folding, window),
                alone=False,
                size=size,
            )
            return replace(grid, meta={**bounds, **grid.meta})
        for point, record in zip(points, records, strict=True):
            whole = _series(context, point, span, size)
            series[point.id] = decimated_series(whole, folding, window, record)
    cols = [Col(f"v{index}", {"id": Ref(id.id)}) for index, id in enumerate(ids)]
    rows = JoinedSeries(
        span.start.tz,
        [col.name for col in cols],
        [series[id.id] for id in ids],
        context.storage.snapshot,
    )
    return Grid([Col("ts"), *cols], rows, bounds)


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
        context.storage.his_write_all(samples, context.now)
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
