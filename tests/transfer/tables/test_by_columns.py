"""Reading by columns gives what reading by rows gives: samples, counts and errors."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.transfer import his_csv
from haystack_app.transfer.his_csv_blocks import BlockReader
from haystack_app.transfer.his_files import HisFiles
from haystack_app.transfer.his_points import ReadingOptions, SamplePoints
from haystack_app.transfer.plain_cells import RegularTimes, numbers_of
from haystack_app.transfer.tables.column_reader import ColumnReader
from haystack_app.transfer.tables.numbers import number_parts
from haystack_app.transfer.tables.options import TableOptions
from haystack_app.transfer.tables.reader import TableReader
from haystack_app.transfer.tables.stamps import instants_of
from haystack_app.transfer.tables.understanding import understood
from haystack_app.wire.files import UnreadableFile

_POINTS = [
    {"id": Ref("n"), "kind": "Number", "unit": "°C", "tz": "New_York"},
    {"id": Ref("m"), "kind": "Number", "tz": "Berlin"},
    {"id": Ref("b"), "kind": "Bool", "tz": "New_York"},
    {"id": Ref("s"), "kind": "Str", "tz": "New_York"},
]
_NUMBERS = ["20.5", "7", "-3.25", "", "NA", "1,5", "nan", "20.5°C", " 8.5", "1e3", "x"]
_CELLS = {
    "n": _NUMBERS,
    "m": [cell for cell in _NUMBERS if "°" not in cell],
    "b": ["true", "false", "", "on", "T", "maybe"],
    "s": ["a", "", "NA", "b c", '"NA"', '"x"'],
}
_DAYS = ["2024-06-15", "2024-06-16", "2024-11-03", "2024-03-10", "2024-02-30"]
_CLOCKS = ["00:00", "01:30", "02:30", "13:45:10", "24:00", "00:15:00.5", "9:05"]
_ZONES = ["", "", "", "Z", "-05:00", " EST", "+0200"]


def _adapter() -> InMemoryAdapter:
    return InMemoryAdapter({"point": MARKER, "his": MARKER, **it} for it in _POINTS)


@st.composite
def tables(draw: st.DrawFn, *, own: bool) -> str:
    """Mostly plain rows, wide or long, with a few odd cells."""
    ids = draw(st.lists(st.sampled_from("nmbs"), min_size=1, max_size=4, unique=True))
    is_long, is_odd = draw(st.booleans()), draw(st.booleans())
    zone = draw(st.sampled_from(_ZONES))
    count = 3 if own else 2

    def cell(id: str) -> str:
        few = _CELLS[id][: None if is_odd else 3]
        text = draw(st.sampled_from([it for it in few if own or '"' not in it]))
        return f'"{text}"' if "," in text else text

    def time() -> str:
        days, clocks = (_DAYS, _CLOCKS) if is_odd else (_DAYS[:count], _CLOCKS[:4])
        return f"{draw(st.sampled_from(days))} {draw(st.sampled_from(clocks))}{zone}"

    rows = range(draw(st.integers(1, 12)))
    if is_long:
        named = [draw(st.sampled_from(ids)) for _ in rows]
        lines = [f"{time()},{id},{cell(id)}" for id in named]
        return "\n".join(["ts,id,val" if own else "Time,Point,Value", *lines]) + "\n"
    lines = [",".join([time(), *map(cell, ids)]) for _ in rows]
    return "\n".join([",".join(["ts" if own else "Time", *ids]), *lines]) + "\n"


def _read(path: Path, *, own: bool) -> tuple[Any, ...]:
    points = SamplePoints(_adapter(), ReadingOptions())
    try:
        found = {} if own else {path: understood(path, points, TableOptions())}
    except UnreadableFile as err:
        return (str(err),)
    files = HisFiles(points, found)
    samples: dict[str, list[Any]] = defaultdict(list)
    for run in files.runs(path):
        columns = run.positions, run.times, map(repr, run.values)
        samples[run.id] += zip(*columns, strict=True)
    empty = [reader.empty for reader in files.readers.values()]
    shown = sorted(map(str, files.errors.shown))
    return dict(samples), files.rows, empty, shown


@pytest.mark.parametrize("own", [True, False])
def test_both_readers_agree(own: bool) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(tables(own=own), st.integers(1, 40))
    def check(text: str, cells: int) -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch("haystack_app.transfer.sample_runs._CELLS", cells),
        ):
            path = Path(folder) / "a.csv"
            path.write_text(text)
            by_columns = _read(path, own=own)
            with (
                mock.patch.object(ColumnReader, "read", lambda *_: None),
                mock.patch.object(BlockReader, "rows", lambda *_: None),
                mock.patch.object(BlockReader, "columns", lambda *_: None),
            ):
                assert _read(path, own=own) == by_columns

    check()


@pytest.mark.parametrize(("header", "own"), [("ts,n,b", True), ("Time,n,b", False)])
def test_plain_files_are_read_by_columns(
    header: str, own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The property above would hold if nothing were."""
    monkeypatch.setattr(TableReader, "_rows", lambda *_: pytest.fail("by rows"))
    monkeypatch.setattr(his_csv, "_by_rows", lambda *_: pytest.fail("by rows"))
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n2024-06-15 00:00,20.5,true\n2024-06-15 00:15,,false\n")
    samples, rows, _, errors = _read(path, own=own)
    assert (rows, errors) == (2, [])
    assert [value for _, _, value in samples["n"]] == ["20.5"]
    assert [value for _, _, value in samples["b"]] == ["True", "False"]


@given(
    st.lists(st.text("0123456789.,+-eE _\u0664", max_size=6), max_size=5),
    st.sampled_from(["point", "comma", None]),
)
def test_numbers_have_the_values_of_single_cells(
    cells: list[str], decimal: str | None
) -> None:
    found = numbers_of(cells, decimal) if cells else []
    for cell, value in zip(cells, found or [], strict=False):
        if cell:
            assert number_parts(cell, decimal) == (value, "")
        else:
            assert value is None


def test_days_when_clocks_change_are_left_to_the_reader_of_rows() -> None:
    def read(text: str) -> Any:
        return instants_of(text, "dmy", "New_York")

    times = RegularTimes(read, "New_York", has_short_zones=True)
    plain = ["15/06/2024 00:00", "15/06/2024 24:00", "1/7/2024 12:30 PM"]
    expected = [read(text)[0].timestamp() * 1e6 for text in plain]
    assert times.of(plain) == expected
    assert times.of(["15/06/2024 00:00 EDT"]) == expected[:1]
    for text in ("3/11/2024 00:30", "10/3/2024 12:00", "15/06/2024 00:00 EST", "x"):
        assert times.of([text]) is None
