"""Conversion between all formats, and values that a format cannot represent.

Zinc, Hayson and JSON 3 represent whole grids. Trio represents the records of a grid:
its meta, that of its columns, their order and rows without a value are lost. CSV has
the texts of the values only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from haystack_app.kinds import MARKER, Col, Grid, Number, Ref
from haystack_app.kinds.series import Chunk, JoinedSeries, Series
from haystack_app.wire import (
    csv_reader,
    csv_writer,
    hayson_writer,
    json3_writer,
    trio_reader,
    trio_writer,
    zinc_writer,
)
from haystack_app.wire.errors import EncodeError
from haystack_app.wire.record import Record
from haystack_app.wire.registry import FORMATS, Format
from tests import strategies as pool
from tests.drawn import given_once
from tests.strategies import canonical

some = settings(max_examples=60, deadline=None, derandomize=True)

BY_NAME = {format.name: format for format in FORMATS}
WHOLE = ["zinc", "hayson", "json3"]
wire_grids = pool.grids(pool.values | pool.wire_texts)
every_format = pytest.mark.parametrize("name", BY_NAME)


def sent(grid: Grid, name: str) -> Grid:
    """The grid after writing it in a format and reading it again."""
    format = BY_NAME[name]
    assert format.write is not None
    return format.read_bytes("".join(format.write(grid)).encode())


def records(grid: Grid) -> list[str]:
    return [canonical(row) for row in grid.rows if row]


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(WHOLE, 2)))
@given_once(some, grid=wire_grids)
def test_grids_survive_conversion(first: str, second: str, grid: Grid) -> None:
    found = sent(sent(grid, first), second)
    assert canonical(found) == canonical(grid)
    assert found.names == grid.names


@pytest.mark.parametrize("name", WHOLE)
@given_once(some, grid=wire_grids)
def test_records_survive_trio(name: str, grid: Grid) -> None:
    found = sent(sent(sent(grid, name), "trio"), name)
    assert records(found) == records(grid)
    assert not found.meta
    assert not any(col.meta for col in found.cols)


@pytest.mark.parametrize("name", WHOLE)
@given_once(some, grid=wire_grids)
def test_csv_is_the_same_from_every_format(name: str, grid: Grid) -> None:
    assert csv_writer.grid_text(sent(grid, name)) == csv_writer.grid_text(grid)


@given_once(some, grid=wire_grids)
def test_csv_is_read_as_strings(grid: Grid) -> None:
    bare = Grid([Col(name) for name in grid.names], grid.rows)
    found = sent(bare, "csv")
    assert found.cols == [Col(name, {"orig": name}) for name in grid.names]
    want = [
        {name: csv_writer.value_text(row.get(name)) for name in grid.names}
        for row in grid.rows
    ]
    assert list(found.rows) == want
    again = csv_writer.grid_text(found)
    assert list(csv_reader.read_grid(again).rows) == want


# -- streams --------------------------------------------------------------------

MANY = [
    {"id": Ref(f"p{at}"), "dis": f"Point, {at}", "point": MARKER, "n": Number(at, "kW")}
    for at in range(1_234)
]


def rows_of(format: Format, text: str) -> list[Any]:
    return list(format.read_bytes(text.encode()).rows)


@every_format
def test_long_grid_is_written_in_chunks(name: str) -> None:
    format = BY_NAME[name]
    assert format.write is not None
    grid = Grid.of(MANY)
    pieces = list(format.write(grid))
    assert len(pieces) >= 3
    assert max(map(len, pieces)) < 100_000
    assert len(rows_of(format, "".join(pieces))) == len(MANY)
    stored = [Record(hayson_writer.dump(row)) for row in MANY]
    for rows in (iter(MANY), iter(stored)):  # a dump passes over its rows once
        once = Grid(grid.cols, rows)  # type: ignore[arg-type]
        found = rows_of(format, "".join(format.write(once)))
        assert found == rows_of(format, "".join(pieces))


@every_format
def test_no_rows(name: str) -> None:
    format = BY_NAME[name]
    assert format.write is not None
    found = format.read_bytes("".join(format.write(Grid())).encode())
    assert (found.names, list(found.rows)) == (["empty"], [])


def series(start: int, count: int) -> Series:
    times = [start + at * 60_000_000 for at in range(count)]
    chunk = Chunk(times, [at / 2 for at in range(count)], {1: True})
    return Series("New_York", "°F", lambda: [chunk])


@every_format
def test_joined_series_is_written_like_rows(name: str) -> None:
    write = BY_NAME[name].write
    assert write is not None
    cols = [Col("ts"), Col("v0"), Col("v1")]
    joined = JoinedSeries(
        "New_York", ["v0", "v1"], [series(0, 3), series(60_000_000, 3)]
    )
    text = "".join(write(Grid(cols, joined)))
    assert text == "".join(write(Grid(cols, list(joined))))
    assert text.count("\n") >= 4


@every_format
def test_history_is_streamed(name: str) -> None:
    """No more rows are read than the chunks so far need."""
    write = BY_NAME[name].write
    assert write is not None
    read = 0

    def chunks() -> Iterator[Chunk]:
        nonlocal read
        for at in range(10):
            read += 1
            times = [at * 10**10 + second * 10**6 for second in range(1_000)]
            yield Chunk(times, [0.5] * 1_000, {})

    pieces = write(Grid([Col("ts"), Col("val")], Series("UTC", None, chunks)))
    next(pieces)
    next(pieces)
    assert read <= 2
    assert sum(1 for _ in pieces)
    assert read == 10


# -- values that a format cannot represent ----------------------------------------

UNREPRESENTABLE: list[tuple[Callable[[Any], str], Any]] = [
    (zinc_writer.value_text, object()),
    (hayson_writer.dump, object()),
    (hayson_writer.dump, {"_kind": "x"}),
    (json3_writer.dump, object()),
    (json3_writer.dump, [b"x"]),
    (json3_writer.dump, {"meta": 1, "cols": 2, "rows": 3}),
    (json3_writer.dump, "\ud800"),
    (json3_writer.grid_text, Grid([Col("a", {"name": "x"})])),
    (json3_writer.grid_text, Grid(meta={"ver": "x"})),
    (json3_writer.grid_text, Grid([Col("a")], [{"a": {1}}])),
    (trio_writer.value_text, object()),
    (trio_writer.dict_text, {"a": [object()]}),
    (trio_writer.value_text, None),
    (csv_writer.grid_text, Grid([Col("a")], [{"a": object()}])),
]


@pytest.mark.parametrize(("write", "value"), UNREPRESENTABLE)
def test_unrepresentable_value_raises_encode_error(
    write: Callable[[Any], str], value: Any
) -> None:
    with pytest.raises(EncodeError):
        write(value)


def test_trio_drops_grid_metadata() -> None:
    grid = Grid(
        [Col("b", {"dis": "B"}), Col("a"), Col("none")],
        [{"b": 1.0, "a": MARKER}, {}, {"b": "x"}],
        {"dis": "G"},
    )
    text = trio_writer.grid_text(grid)
    assert text == "a\nb:1\n---\n---\nb:x\n"
    found = trio_reader.read_grid(text)
    assert found.names == ["a", "b"]
    assert list(found.rows) == [{"a": MARKER, "b": Number(1)}, {"b": "x"}]
