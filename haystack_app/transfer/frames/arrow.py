"""Frames as Apache Arrow streams and as Parquet, by pyarrow, the extra ``arrow``.

Source: the Arrow columnar format (IPC streaming) and the Parquet format. Buffers are
taken as they are; only columns with NA or missing values are built value by value.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import orjson

from ...extras import imported_for
from ...kinds.series import Chunk, ShiftedTimes
from ...kinds.timezones import zone_of
from .frame import Block, Cells, Column, Frame
from .values import long_columns, reader_of

__all__ = [
    "ARROW_SCHEMA_KEY",
    "arrow_chunks",
    "is_installed",
    "parquet_chunks",
    "pyarrow",
]

ARROW_SCHEMA_KEY = b"haystack"
"""Of the schema's metadata: a JSON text that says what the columns or points are."""
_GROUP_CELLS = 500_000
"""Values of a row group in Parquet."""


def is_installed() -> bool:
    return find_spec("pyarrow") is not None


@cache
def pyarrow() -> Any:
    """The package. Raises ImproperlyConfigured without the extra."""
    with imported_for("Arrow and Parquet", "arrow"):
        import pyarrow as pa
        import pyarrow.compute
        import pyarrow.parquet
    return pa


def arrow_chunks(frame: Frame, *, long: bool) -> Iterator[bytes]:
    """An IPC stream, in pieces of a batch."""
    pa, sink = pyarrow(), _Sink()
    schema, batches = _batches(frame, long=long)
    with pa.ipc.new_stream(sink, schema) as writer:
        yield from sink.taken()
        for batch in batches:
            writer.write_batch(batch)
            yield from sink.taken()
    yield from sink.taken()


def parquet_chunks(frame: Frame, *, long: bool) -> Iterator[bytes]:
    """A Parquet file, in pieces of a row group."""
    pa, sink = pyarrow(), _Sink()
    schema, batches = _batches(frame, long=long)
    with pa.parquet.ParquetWriter(sink, schema, **_options(schema)) as writer:
        for table in _groups(pa, batches, schema):
            writer.write_table(table)
            yield from sink.taken()
    yield from sink.taken()


def _options(schema: Any) -> dict[str, Any]:
    """Dictionaries only of texts: those of numbers and times would be as large."""
    numbers = {"ts", *(field.name for field in schema if str(field.type) == "double")}
    return {
        "compression": "zstd",
        "use_dictionary": [name for name in schema.names if name not in numbers],
        "column_encoding": {"ts": "DELTA_BINARY_PACKED"},
    }


def _groups(pa: Any, batches: Iterator[Any], schema: Any) -> Iterator[Any]:
    held: list[Any] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) * batch.num_columns >= _GROUP_CELLS:
            yield pa.Table.from_batches(held, schema)
            held.clear()
    if held:
        yield pa.Table.from_batches(held, schema)


class _Sink:
    """A file for pyarrow, whose bytes are taken away again and again."""

    closed = False

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self.pieces.append(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """What was written is still taken."""

    def taken(self) -> Iterator[bytes]:
        pieces, self.pieces = self.pieces, []
        if pieces:
            yield b"".join(pieces)


def _batches(frame: Frame, *, long: bool) -> tuple[Any, Iterator[Any]]:
    form = _Long(frame) if long else _Wide(frame)
    return form.schema, form.batches()


def _about(columns: Sequence[Column], meta: Any) -> dict[bytes, bytes]:
    found = [
        {"name": it.name, "id": it.id, "dis": it.dis, "kind": it.kind, "unit": it.unit}
        | {"tz": it.tz, "rollup": it.fold}
        for it in columns
    ]
    return {ARROW_SCHEMA_KEY: orjson.dumps({**meta, "columns": found})}


class _Wide:
    """``ts``, and a column for each of the frame's."""

    def __init__(self, frame: Frame) -> None:
        pa = pyarrow()
        self.frame = frame
        self.ts = pa.timestamp("us", zone_of(frame.tz).key)
        types = {"Number": pa.float64(), "Bool": pa.bool_()}
        self.types = [types.get(it.kind, pa.string()) for it in frame.columns]
        fields = [pa.field("ts", self.ts, nullable=False)]
        for column, type in zip(frame.columns, self.types, strict=True):
            fields.append(pa.field(column.name, type, metadata=_field_meta(column)))
        self.schema = pa.schema(fields, _about(frame.columns, frame.meta))

    def batches(self) -> Iterator[Any]:
        pa = pyarrow()
        kinds = [column.kind for column in self.frame.columns]
        for block in self.frame.blocks():
            arrays = [_times(block.times, self.ts)]
            for cells, type, kind in zip(block.cells, self.types, kinds, strict=True):
                arrays.append(_column(block, cells, type, kind))
            yield pa.record_batch(arrays, schema=self.schema)


def _field_meta(column: Column) -> dict[str, str]:
    found = {
        "id": column.id,
        "dis": column.dis,
        "unit": column.unit,
        "rollup": column.fold,
    }
    return {name: text for name, text in found.items() if text}


def _times(times: Sequence[int], type: Any) -> Any:
    """A column of times, in microseconds since 1970."""
    pa = pyarrow()
    if isinstance(times, ShiftedTimes):
        stored = _buffered(times.stored, pa.int64())
        return pa.compute.add(stored, pa.scalar(times.origin, pa.int64())).cast(type)
    own = times if isinstance(times, array) else array("q", times)
    return _buffered(own, pa.int64()).cast(type)


def _buffered(numbers: array[Any], type: Any) -> Any:
    """An array of 8-byte numbers, without copying them."""
    pa = pyarrow()
    return pa.Array.from_buffers(type, len(numbers), [None, pa.py_buffer(numbers)])


def _floats(vals: Sequence[float]) -> Any:
    own = vals if isinstance(vals, array) else array("d", vals)
    return _buffered(own, pyarrow().float64())


def _column(block: Block, cells: Cells | None, type: Any, kind: str) -> Any:
    pa = pyarrow()
    if cells is None:
        return pa.nulls(len(block.times), type)
    if cells.places is None and not cells.others and kind == "Number":
        return _floats(cells.vals)
    reader = reader_of(kind)
    values: list[Any] = (
        list(cells.vals) if kind == "Number" else [None] * len(cells.vals)
    )
    for at, value in cells.others.items():
        values[at] = reader(value)
    spread = cells.spread(values, len(block.times))
    return pa.array(spread, type, from_pandas=False)


class _Long:
    """``id``, ``ts``, ``val``, ``text``, ``unit``; ``fold`` if samples are folded."""

    def __init__(self, frame: Frame) -> None:
        pa = pyarrow()
        self.frame = frame
        self.ts = pa.timestamp("us", zone_of(frame.tz).key)
        self.is_folded = any(column.fold for column in frame.columns)
        self.names = [column.id for column in frame.columns]
        word = pa.dictionary(pa.int32(), pa.string())
        fields = [
            pa.field("id", word, nullable=False),
            pa.field("ts", self.ts, nullable=False),
            pa.field("val", pa.float64()),
            pa.field("text", pa.string()),
            pa.field("unit", word),
        ]
        if self.is_folded:
            fields.append(pa.field("fold", word))
        self.schema = pa.schema(fields, _about(frame.columns, frame.meta))
        self.ids = _Words([column.id for column in frame.columns])
        self.units = _Words([column.unit for column in frame.columns])
        self.folds = _Words([column.fold for column in frame.columns])

    def batches(self) -> Iterator[Any]:
        pa = pyarrow()
        for place, chunk in self.frame.runs():
            count = len(chunk.times)
            vals, texts = _long_arrays(chunk)
            arrays = [
                self.ids.repeated(place, count),
                _times(chunk.times, self.ts),
                vals,
                texts,
                self.units.repeated(place, count),
            ]
            if self.is_folded:
                arrays.append(self.folds.repeated(place, count))
            yield pa.record_batch(arrays, schema=self.schema)


class _Words:
    """A dictionary of the texts that belong to columns; a column may have none."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        pa = pyarrow()
        known = list(dict.fromkeys(text for text in texts if text is not None))
        places = {text: place for place, text in enumerate(known)}
        self.dictionary = pa.array(known, pa.string())
        self.places = [None if text is None else places[text] for text in texts]

    def repeated(self, column: int, count: int) -> Any:
        pa = pyarrow()
        place = self.places[column]
        if place is None:
            indices = pa.nulls(count, pa.int32())
        else:
            numbers = array("i", [place]) * count
            buffers = [None, pa.py_buffer(numbers)]
            indices = pa.Array.from_buffers(pa.int32(), count, buffers)
        return pa.DictionaryArray.from_arrays(indices, self.dictionary)


def _long_arrays(chunk: Chunk) -> tuple[Any, Any]:
    pa = pyarrow()
    count = len(chunk.times)
    if not chunk.others:
        return _floats(chunk.vals), pa.nulls(count, pa.string())
    vals, texts = long_columns(chunk)
    return (
        pa.array(vals, pa.float64(), from_pandas=False),
        pa.array(texts, pa.string(), from_pandas=False),
    )
