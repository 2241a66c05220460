"""Parquet files of samples: a row for each, with ``id``, ``ts`` and ``val``.

``text`` has values that are not Numbers or Bools, ``unit`` the unit of a Number; both
are optional. A row with neither ``val`` nor ``text`` is NA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from ..kinds.datetimes import DateTime
from ..kinds.series import instant_of
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from .frames.arrow import pyarrow
from .frames.values import value_of
from .his_points import SampleColumn, SamplePoints

__all__ = ["ParquetSample", "parquet_samples"]

_ROWS = 16_384
_REQUIRED = ("id", "ts", "val")
_OPTIONAL = ("text", "unit")


class ParquetSample(NamedTuple):
    row: int
    column: SampleColumn
    ts: DateTime
    value: Any


def parquet_samples(
    path: Path,
    points: SamplePoints,
    errors: FileErrors,
    progress: Callable[[IO[bytes]], None],
) -> Iterator[ParquetSample]:
    """The samples of a file, in its order. Invalid rows are added to ``errors``.

    Raises ImproperlyConfigured without the extra ``arrow``.
    """
    pa = pyarrow()
    try:
        with path.open("rb") as raw:
            yield from _samples(pa, path, raw, points, errors, progress)
    except OSError as err:
        errors.add(UnreadableFile(path, "", err.strerror or str(err)))
    except pa.ArrowException as err:
        errors.add(UnreadableFile(path, "", f"invalid Parquet: {err}"))


def _samples(
    pa: Any,
    path: Path,
    raw: IO[bytes],
    points: SamplePoints,
    errors: FileErrors,
    progress: Callable[[IO[bytes]], None],
) -> Iterator[ParquetSample]:
    file = pa.parquet.ParquetFile(raw)
    if (reason := _refusal(pa, file.schema_arrow)) is not None:
        errors.add(UnreadableFile(path, "", reason))
        return
    names = [name for name in file.schema_arrow.names if name in _REQUIRED + _OPTIONAL]
    micros = pa.timestamp("us", "UTC")
    cached: dict[tuple[str, str | None], SampleColumn] = {}
    row = 0
    for batch in file.iter_batches(_ROWS, columns=names):
        columns = {name: batch.column(name) for name in names}
        times = columns["ts"].cast(micros, safe=False).cast(pa.int64()).to_pylist()
        empty = [None] * len(times)
        cells = (
            columns[name].to_pylist() if name in columns else empty
            for name in ("id", "val", *_OPTIONAL)
        )
        for time, id, val, text, unit in zip(times, *cells, strict=True):
            row += 1
            try:
                column = cached.get((id, unit))
                if column is None:
                    column = cached[id, unit] = points.column(id or "", unit or None)
                if time is None:
                    raise ValueError("missing ts")
                value = column.value(value_of(column.point.kind, val, text))
                ts = DateTime(instant_of(time), column.point.tz)
            except ValueError as err:
                errors.add(UnreadableFile(path, f"row {row}", str(err)))
                continue
            yield ParquetSample(row, column, ts, value)
        progress(raw)


def _refusal(pa: Any, schema: Any) -> str | None:
    """Why a file of this schema is not read, if it is not."""
    if missing := [name for name in _REQUIRED if name not in schema.names]:
        found = ", ".join(schema.names[:20])
        return f"missing column {missing[0]}: it must have id, ts and val, not {found}"
    ts, val = schema.field("ts").type, schema.field("val").type
    if not pa.types.is_timestamp(ts) or ts.tz is None:
        return f"column ts must have timestamps with a time zone, not {ts}"
    if not (pa.types.is_floating(val) or pa.types.is_integer(val)):
        return f"column val must have numbers, not {val}"
    return None
