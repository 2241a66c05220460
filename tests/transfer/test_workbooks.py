"""Workbooks: what they keep, what they refuse, and that load and import read them."""

from __future__ import annotations

import datetime as dt
import io
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings

from haystack_app import demo
from haystack_app.kinds import MARKER, REMOVE, Coord, DateTime, Grid, Number, Ref, Uri
from haystack_app.kinds.grid import Col
from haystack_app.kinds.series import Chunk, Series
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.transfer.workbooks import sheet
from haystack_app.transfer.workbooks.grids import workbook_chunks
from haystack_app.wire.errors import EncodeError
from tests import strategies
from tests.commands.test_dump import empty_list, raws
from tests.commands.test_what_we_write import (
    HIS,
    RECORDS,
    contents,
    his_read,
    his_store,
)
from tests.storage.building import at, point


@pytest.fixture
def adapter(db: None) -> StorageAdapter:
    return storages["default"]


def run(name: str, *args: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command(name, *map(str, args), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def written(grid: Grid, folder: Path) -> Path:
    path = folder / "book.xlsx"
    path.write_bytes(b"".join(workbook_chunks(grid)))
    return path


def cells(path: Path) -> list[list[Any]]:
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    return book.get_sheet_by_index(0).to_python()


# -- entities ---------------------------------------------------------------------

ODD = [
    {"id": Ref("x1"), "odd": " blank ", "n": Number(0.1 + 0.2), "mixed": "72"},
    {"id": Ref("x2"), "odd": "'=1+1", "n": Number(1e-300), "mixed": Number(72)},
    {"id": Ref("x3"), "odd": "_x0041_", "n": Number(123456789.123456789)},
    {"id": Ref("x4"), "odd": "\x07\r\n\t", "n": Number(-0.0), "when": dt.date(1, 1, 1)},
    {
        "id": Ref("x5"),
        "odd": "",
        "mixed": Number(5, "kW"),
        "when": dt.date(2024, 2, 29),
    },
    {"id": Ref("x6"), "odd": "nan", "mixed": Number(float("nan"), "kW"), "tz": "UTC"},
    {
        "id": Ref("x7"),
        "link": Uri("-"),
        "custom": Number(3, "_widgets"),
        "mixed": [True],
    },
    {
        "id": Ref("x8"),
        "link": Uri("http://x/ y"),
        "place": Coord(1, 2),
        "mixed": MARKER,
    },
    {"id": Ref("x9"), "only": "null", "mixed": False, "area": Number(-1, "ft²")},
]


@pytest.mark.parametrize("which", ["records", "odd", "demo"])
def test_entities_come_back(
    adapter: StorageAdapter, tmp_path: Path, which: str
) -> None:
    given: dict[str, Any] = {"records": RECORDS, "odd": ODD, "demo": demo.entities()}
    adapter.load_entities(given[which])
    before = raws(adapter)
    path = written(Grid.of(list(adapter.read("id"))), tmp_path)
    run("haystack_load", empty_list(tmp_path), replace=True)
    run("haystack_load", path)
    assert raws(adapter) == before


@pytest.mark.django_db
@given(value=strategies.values)
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_value_comes_back_or_is_refused(tmp_path: Path, value: Any) -> None:
    adapter = storages["default"]
    adapter.load_entities([], replace=True)
    try:
        adapter.load_entities([{"id": Ref("x"), "someTag": value}])
        path = written(Grid.of(list(adapter.read("id"))), tmp_path)
    except ValueError:
        return
    before = raws(adapter)
    adapter.load_entities([{"id": Ref("x"), "other": MARKER}])
    run("haystack_load", path)
    assert raws(adapter) == before


def test_headers_and_cells_for_people(adapter: StorageAdapter, tmp_path: Path) -> None:
    adapter.load_entities(
        [
            {
                "id": Ref("a", "A"),
                "dis": "=1+1",
                "site": MARKER,
                "area": Number(5, "m²"),
                "built": dt.date(2001, 2, 3),
                "open": True,
                "note": "@a",
            }
        ]
    )
    grid = Grid.of([{**one.tags, "mod": None} for one in adapter.read("site")])
    header, row = cells(written(grid, tmp_path))
    found = dict(zip(header, row, strict=True))
    assert found == {
        "id": "@a =1+1",
        "area (m²)": 5.0,
        "built (Date)": dt.date(2001, 2, 3),
        "dis": "=1+1",
        "note (Str)": "@a",
        "open (Bool)": True,
        "site": "✓",
        "mod": "",
    }


def test_no_formula_and_no_link(tmp_path: Path) -> None:
    rows = [{"dis": text} for text in ("=1+1", "+1", "@x", "http://x/", "{=1}", "5")]
    path = written(Grid.of(rows), tmp_path)
    text = python_text(path)
    assert "<f>" not in text
    assert "hyperlink" not in text
    assert [row[0] for row in cells(path)[1:]] == [row["dis"] for row in rows]


def python_text(path: Path) -> str:
    import zipfile

    with zipfile.ZipFile(path) as parts:
        return "".join(
            parts.read(name).decode("utf-8", "replace") for name in parts.namelist()
        )


# -- histories --------------------------------------------------------------------

KEPT = [id for id in HIS if id != "text"]


@pytest.mark.parametrize("requests", [[[id] for id in KEPT], [KEPT]])
def test_histories_come_back(
    adapter: StorageAdapter, tmp_path: Path, requests: list[list[str]]
) -> None:
    store = his_store()
    adapter.load_entities(
        {name: val for name, val in record.tags.items() if name[:3] != "his"}
        | {"his": MARKER}
        for record in store.scan()
    )
    for ids in requests:
        run("haystack_his_import", written(his_read(store, ids), tmp_path))
    wanted = {id: rows for id, rows in contents(store).items() if id in KEPT}
    assert {id: contents(adapter)[id] for id in KEPT} == wanted


def test_numbers_that_have_two_readings_in_text(
    adapter: StorageAdapter, tmp_path: Path
) -> None:
    """A spreadsheet says which sign is the decimal one: 1.234 is not 1,234."""
    adapter.load_entities([point("p"), {"id": Ref("x"), "someTag": Number(1.234)}])
    adapter.his_write("p", [(at("2024-03-01 12:00"), Number(1.234))])
    before = raws(adapter), list(adapter.his_read("p"))
    read = find_op("hisRead")
    assert read is not None
    asked = Grid.of([{"id": Ref("p"), "range": "2024-03-01"}])
    path = written(read.run(Context(adapter), asked), tmp_path)
    adapter.his_write("p", [(at("2024-03-01 12:00"), REMOVE)])
    run("haystack_his_import", path)
    assert list(adapter.his_read("p")) == before[1]
    run("haystack_load", written(Grid.of(list(adapter.read("someTag"))), tmp_path))
    assert adapter.existing("x")["someTag"] == Number(1.234)


def test_a_text_that_a_cell_does_not_keep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="a sample is the Str '', which"):
        written(his_read(his_store(), ["text"]), tmp_path)


def test_times_are_times(tmp_path: Path) -> None:
    header, first, second, third, *_ = cells(
        written(his_read(his_store(), ["num"]), tmp_path)
    )
    assert header == ["ts (New_York)", "num (°F)"]
    assert first[0] == dt.date(2023, 11, 5)  # midnight
    assert second[0] == dt.datetime(2023, 11, 5, 0, 30)
    assert third == ["2023-11-05T01:00:00-04:00", "NA"]  # an hour that is there twice


# -- limits -----------------------------------------------------------------------


def endless(rows: int) -> Grid:
    def read() -> Iterator[Chunk]:
        for start in range(0, rows, 1_000):
            times = [(start + at) * 1_000_000 for at in range(1_000)]
            yield Chunk(times, [float(at) for at in range(1_000)], {})

    return Grid((Col("ts"), Col("val")), Series("UTC", None, read), {"id": Ref("p")})


def test_memory_is_flat() -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        for _ in workbook_chunks(endless(rows)):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1_000)  # imports
    # of several: other threads of the process have their memory counted, too
    few, many = (min(peak(rows) for _ in range(3)) for rows in (2_000, 20_000))
    assert many < few + 1_000_000


@pytest.mark.parametrize("name", ["_ROWS", "_CELLS"])
def test_a_sheet_that_is_too_large(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sheet, name, 1_500)
    with pytest.raises(EncodeError, match=r"xlsx: more than .* rows or .* cells: ask"):
        list(workbook_chunks(endless(5_000)))


def test_a_text_that_is_too_long() -> None:
    with pytest.raises(EncodeError, match="a text of 40,000 characters"):
        list(workbook_chunks(Grid.of([{"dis": "x" * 40_000}])))


def test_no_temporary_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    list(workbook_chunks(Grid.of([{"dis": "x"}])))
    pieces = workbook_chunks(endless(1_000))
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    with pytest.raises(EncodeError):
        list(workbook_chunks(Grid.of([{"dis": "x" * 40_000}])))
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet._library.cache_clear()
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ImproperlyConfigured, match=r"haystack-server\[files\]"):
        list(workbook_chunks(Grid.of([{"dis": "x"}])))
    sheet._library.cache_clear()


def test_a_time_in_another_zone(tmp_path: Path) -> None:
    """A zone whose name a header cannot give: the times have offsets."""

    def read() -> Iterator[Chunk]:
        yield Chunk([0], [1.0], {})

    grid = Grid((Col("ts"), Col("val")), Series("GMT+5", None, read), {"id": Ref("p")})
    assert cells(written(grid, tmp_path)) == [
        ["ts", "p"],
        [DateTime(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "GMT+5").iso, 1.0],
    ]
