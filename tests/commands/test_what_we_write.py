"""What the server writes comes back through load and import, in every format."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from hypothesis import given, settings

from haystack_app import demo
from haystack_app.api.renderers import titled_by_ids
from haystack_app.defs import shipped
from haystack_app.kinds import (
    MARKER,
    NA,
    REMOVE,
    Coord,
    DateTime,
    Grid,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
)
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.transfer.entity_csv import CsvKinds
from haystack_app.transfer.his_import import import_histories
from haystack_app.wire.csv_cells import csv_rows
from haystack_app.wire.csv_writer import cell_text
from haystack_app.wire.registry import FORMATS
from haystack_app.wire.zinc_writer import value_text
from tests import strategies

from .conftest import Run
from .test_dump import empty_list, raws

Write = Callable[[str, str | bytes], Path]
SUFFIX = {
    "zinc": "zinc",
    "hayson": "json",
    "json3": "json",
    "trio": "trio",
    "csv": "csv",
}
START = dt.datetime(2023, 11, 5, 4, tzinfo=dt.UTC)
HIS: dict[str, list[Any]] = {
    "num": [Number(-1.5, "°F"), Number(1e-7), NA, Number(float("inf")), Number(3)],
    "bare": [Number(1), Number(2.25), Number(-3), Number(4), Number(1e30)],
    "flag": [True, False, NA, True, False],
    "text": ['a "b", c', "NA", "", "72", "=1+1\n x "],
    "place": [Coord(1.5, -2), NA, Coord(0, 0), Coord(-90, 180), Coord(0.25, 1)],
}


def his_store() -> InMemoryAdapter:
    kinds = {"num": "Number", "bare": "Number", "flag": "Bool", "text": "Str"}
    kinds["place"] = "Coord"
    store = InMemoryAdapter()
    common = {"point": MARKER, "his": MARKER, "tz": "New_York"}
    store.load_entities(
        {"id": Ref(id, f"Point {id}, (x)"), "kind": kinds[id], **common}
        | ({"unit": "°F"} if id == "num" else {})
        for id in HIS
    )
    for id, values in HIS.items():
        # every half hour across the end of daylight saving time
        times = (START + index * dt.timedelta(minutes=30) for index in range(9))
        samples = [
            (DateTime(ts, "New_York"), val)
            for ts, val in zip(times, values, strict=False)
        ]
        store.his_write(id, samples)
    return store


def his_read(store: StorageAdapter, ids: list[str]) -> Grid:
    """As the API gives it to formats without meta."""
    his_read = find_op("hisRead")
    assert his_read is not None
    span = "2023-11-01,2023-11-30"
    if len(ids) == 1:
        request = Grid.of([{"id": Ref(ids[0]), "range": span}])
    else:
        request = Grid.of([{"id": Ref(id)} for id in ids], meta={"range": span})
    return titled_by_ids(his_read.run(Context(store), request))


def contents(store: StorageAdapter) -> dict[str, list[str]]:
    return {
        id: [f"{row['ts']} {value_text(row['val'])}" for row in store.his_read(id)]
        for id in HIS
    }


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
@pytest.mark.parametrize(
    "requests", [[[id] for id in HIS], [list(HIS)], [[*HIS, "num"]]]
)
def test_histories(tmp_path: Path, format: Any, requests: list[list[str]]) -> None:
    """Of one point, of several, and with a point that is asked for twice."""
    store = his_store()
    paths = []
    for number, ids in enumerate(requests):
        path = tmp_path / f"{number}.{SUFFIX[format.name]}"
        path.write_text("".join(format.write(his_read(store, ids))), newline="")
        paths.append(path)
    empty = InMemoryAdapter()
    empty.load_entities(
        {name: val for name, val in record.tags.items() if name[:3] != "his"}
        | {"his": MARKER}
        for record in store.scan()
    )
    import_histories(empty, paths)
    assert contents(empty) == contents(store)


def test_a_csv_that_names_no_point(
    run: Run, points: StorageAdapter, write: Write
) -> None:
    path = write("a.csv", "ts,val\n2024-01-01T00:00:00Z,1\n")
    with pytest.raises(
        CommandError, match="the header must name the point, as in ts,@"
    ):
        run("haystack_his_import", path)


# -- records ----------------------------------------------------------------------

RECORDS: list[dict[str, Any]] = [
    {
        "id": Ref("a", 'A "quoted", name'),
        "site": MARKER,
        "dis": "72",
        "area": Number(1000.5, "m²"),
        "geoCoord": Coord(37.5, -77.4),
        "tz": "New_York",
        "uri": Uri("http://x/a,b"),
    },
    {
        "id": Ref("b", "B"),
        "siteRef": Ref("a", "A, B"),
        "dis": "",
        "custom": "@not-a-ref",
        "figure": "72",
        "word": "true",
        "mark": "✓",
        "day": "2024-01-01",
        "link": Uri("http://x/"),
        "text": "http://x/",
    },
    {
        "id": Ref("c"),
        "dis": "=1+1",
        "custom": Ref("a"),
        "figure": Number(72),
        "word": True,
        "mark": MARKER,
        "day": dt.date(2024, 1, 1),
        "at": DateTime(START, "New_York"),
        "time": dt.time(8, 30),
        "na": NA,
        "text": 'two\nlines, and "quotes" ',
        "symbol": Symbol("hot-water"),
        "color": XStr("Color", "red"),
        "list": [Number(1), "a", [MARKER]],
        "refs": [Ref("a", "A, B"), Ref("b")],
        "nested": {"a": MARKER, "b": Number(2, "kW"), "c": {"d": "x"}},
        "grid": Grid.of([{"a": Number(1)}, {"b": "x"}]),
    },
]


@pytest.mark.parametrize("format", sorted(SUFFIX))
def test_dumps(run: Run, adapter: StorageAdapter, tmp_path: Path, format: str) -> None:
    adapter.load_entities(RECORDS)
    before = raws(adapter)
    dump = tmp_path / f"dump.{SUFFIX[format]}"
    run("haystack_dump", format=format, output=dump)
    assert f"{len(before):,} unchanged" in run("haystack_load", dump, replace=True)
    run("haystack_load", empty_list(tmp_path), replace=True)
    run("haystack_load", dump)
    assert raws(adapter) == before


@pytest.mark.parametrize("format", sorted(SUFFIX))
def test_the_demo(
    run: Run, adapter: StorageAdapter, tmp_path: Path, format: str
) -> None:
    adapter.load_entities(demo.entities())
    before = raws(adapter)
    dump = tmp_path / f"dump.{SUFFIX[format]}"
    run("haystack_dump", format=format, output=dump)
    run("haystack_load", empty_list(tmp_path), replace=True)
    run("haystack_load", dump)
    assert raws(adapter) == before


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"custom": "[1,2]"}, "@x: the Str of tag custom"),
        ({"dis": Number(72)}, "@x: the Number of tag dis"),
        ({"link": Uri("relative")}, "@x: the Uri of tag link"),
        ({"area": "72"}, "@x: the Str of tag area"),
        ({"geoCoord": "C(1,2)"}, "@x: the Str of tag geoCoord"),
    ],
)
def test_a_csv_dump_that_would_lose_data_is_refused(
    run: Run, adapter: StorageAdapter, tmp_path: Path, tags: Any, message: str
) -> None:
    adapter.load_entities([{"id": Ref("x"), **tags}])
    dump = tmp_path / "dump.csv"
    with pytest.raises(CommandError, match=f"CSV would lose data, {message}"):
        run("haystack_dump", format="csv", output=dump)
    assert not dump.exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("@c,72,,", 'row 2 .*dis: expected a Str, found "72"'),
        ("@c,,big,", 'row 2 .*area: expected a Number, found "big"'),
        ('@c,,"72",', 'row 2 .*area: expected a Number, found "72"'),
        ("c,,,", 'row 2 .*id: expected a Ref, found "c"'),
        ("@c,,", "row 2 .*expected 4 cells, found 3"),
    ],
)
def test_an_ambiguous_cell_is_refused(
    run: Run, adapter: StorageAdapter, write: Write, row: str, message: str
) -> None:
    path = write("a.csv", f"id,dis,area,x\n@a,A,5m²,5\n{row}\n")
    with pytest.raises(CommandError, match=message):
        run("haystack_load", path)
    assert raws(adapter) == []


@given(strategies.values)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_cell_is_read_as_it_is_or_refused(value: Any) -> None:
    kinds = CsvKinds(shipped())
    try:
        kinds.check("someTag", value)
    except ValueError:
        return
    [(_, cells)] = csv_rows([f"{cell_text(value)},x"])
    assert value_text(kinds.value("someTag", cells[0])) == value_text(value)


def test_folders_are_not_searched_for_csv(
    run: Run, adapter: StorageAdapter, write: Write
) -> None:
    write("in/a.csv", "ts,@a\n")
    write("in/b.zinc", 'ver:"3.0"\nid\n@b\n')
    assert "1 entities from 1 files" in run("haystack_load", write("in/x", "").parent)


def test_removal_is_written_and_read(store: StorageAdapter) -> None:
    assert cell_text(REMOVE) == "R"
