"""Units in headers, columns, cells and the meta of grids; counts of an import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from haystack_app.kinds import MARKER, Col, DateTime, Grid, Number, Ref
from haystack_app.kinds.units import converted
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.transfer.his_units import split_unit

from .conftest import Run

Write = Callable[[str, str | bytes], Path]
AT = "2024-01-01T12:00:00Z"


@pytest.fixture
def unitless(points: StorageAdapter) -> StorageAdapter:
    common = {"point": MARKER, "his": MARKER, "tz": "New_York"}
    points.load_entities([{"id": Ref("bare"), "kind": "Number", **common}])
    return points


def values(adapter: StorageAdapter, id: str = "num") -> list[Any]:
    return [row["val"] for row in adapter.his_read(id)]


@pytest.mark.parametrize(
    "header",
    [
        "@num (°C)",
        "num (°C)",
        "@num [°C]",
        "@num °C",
        "@num Zone temp (celsius)",
        "@num Zone temp, °C",
        "@num (deg C)",
        "@num (℃)",
    ],
)
def test_a_unit_in_the_header(
    run: Run, unitless: StorageAdapter, write: Write, header: str
) -> None:
    path = write("a.csv", f'ts,"{header}"\n{AT},21\n')
    with pytest.raises(CommandError, match=r"line 1: @num: unit must be °F, not °C"):
        run("haystack_his_import", path)
    assert values(unitless) == []
    run("haystack_his_import", path, convert=True)
    assert values(unitless) == [Number(69.8, "°F")]


@pytest.mark.parametrize("header", ["@num (°F)", "num [fahrenheit]", "@num Zone (2nd)"])
def test_the_unit_of_the_point(
    run: Run, unitless: StorageAdapter, write: Write, header: str
) -> None:
    run("haystack_his_import", write("a.csv", f"ts,{header}\n{AT},21\n"))
    assert values(unitless) == [Number(21, "°F")]


@pytest.mark.parametrize(
    "text",
    [
        f"ts,id,val,unit\n{AT},num,21,°C\n",
        f"ts,id,val (°C)\n{AT},num,21\n",
        f"ts,id,val\n{AT},@num (°C),21\n",
        f"ts,id,val\n{AT},num,21 °C\n",
        f"ts,num\n{AT},21°C\n",
    ],
)
def test_a_unit_in_rows(
    run: Run, unitless: StorageAdapter, write: Write, text: str
) -> None:
    path = write("a.csv", text)
    with pytest.raises(CommandError, match=r"line 2: @num: unit must be °F, not °C"):
        run("haystack_his_import", path)
    run("haystack_his_import", path, convert=True)
    assert values(unitless) == [Number(69.8, "°F")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"ts,@bare (°C)\n{AT},21\n", "@bare: unit must be none, not °C"),
        (f"ts,id,val,unit\n{AT},bare,21,kW\n", "@bare: unit must be none, not kW"),
        (f"ts,@num (kW)\n{AT},21\n", "@num: unit must be °F, not kW"),
        (f"ts,@flag (kW)\n{AT},T\n", "@flag: unit must be none, not kW"),
        (f"ts,@num (bogus)\n{AT},21\n", 'unknown unit "bogus"'),
        (f"ts,@num (°F)\n{AT},21°C\n", "unit is °C in the cell and °F in the header"),
        (f"ts,id,val (°F),unit\n{AT},num,1,°C\n", "two units for one value, °C and °F"),
    ],
)
def test_refused_even_with_convert(
    run: Run, unitless: StorageAdapter, write: Write, text: str, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run("haystack_his_import", write("a.csv", text), convert=True)
    assert values(unitless) == values(unitless, "bare") == []


@pytest.mark.parametrize(
    "head",
    [
        '\nts,v0 id:@num unit:"°C"',
        ' id:@num\nts,val unit:"°C"',
        ' id:@num unit:"celsius"\nts,val',
    ],
)
def test_the_meta_of_a_grid(
    run: Run, unitless: StorageAdapter, write: Write, head: str
) -> None:
    path = write("a.zinc", f'ver:"3.0"{head}\n{AT},21\n')
    with pytest.raises(CommandError, match=r"@num: unit must be °F, not °C"):
        run("haystack_his_import", path)
    run("haystack_his_import", path, convert=True)
    assert values(unitless) == [Number(69.8, "°F")]


def test_the_meta_of_a_request(store: StorageAdapter) -> None:
    common = {"point": MARKER, "his": MARKER, "tz": "UTC", "kind": "Number"}
    store.load_entities(
        [{"id": Ref("f"), "unit": "°F", **common}, {"id": Ref("bare"), **common}]
    )
    his_write = find_op("hisWrite")
    assert his_write is not None
    row = {"ts": DateTime.parse(AT, "UTC"), "v0": Number(21)}
    for id, must in (("f", "°F"), ("bare", "none")):
        cols = [Col("ts"), Col("v0", {"id": Ref(id), "unit": "°C"})]
        with pytest.raises(ValueError, match=f"unit must be {must}, not °C"):
            his_write.run(Context(store), Grid(cols, [row]))
    cols = [Col("ts"), Col("v0", {"id": Ref("f"), "unit": "fahrenheit"})]
    his_write.run(Context(store), Grid(cols, [row]))
    assert values(store, "f") == [Number(21, "°F")]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("@a Pump A", ("@a Pump A", None)),
        ("@a Zone (north)", ("@a Zone (north)", None)),
        ("@a Flow m³/s", ("@a", "m³/s")),
        ("@a Temp °C (avg)", ("@a", "°C")),
        ("@a Temp °C avg", ("@a", "°C")),
        ("@a Temp, %", ("@a", "%")),
        ("@a, kW", ("@a", "kW")),
        ("a kW", ("a kW", None)),
        ("@a kW", ("@a", "kW")),
        ("a", ("a", None)),
    ],
)
def test_what_is_a_unit(header: str, found: tuple[str, str | None]) -> None:
    assert split_unit(header) == found


@pytest.mark.parametrize(
    ("val", "unit", "to", "found"),
    [
        (21, "°C", "°F", 69.8),
        (-40, "°F", "°C", -40),
        (1.5, "kW", "W", 1_500),
        (1, "h", "min", 60),
        (100, "kPa", "psi", 14.503831187),
    ],
)
def test_conversions(val: float, unit: str, to: str, found: float) -> None:
    assert converted(val, unit, to) == pytest.approx(found, rel=1e-11)


@pytest.mark.parametrize(("unit", "to"), [("%", "%RH"), ("USD", "EUR"), ("kW", "kWh")])
def test_no_conversions(unit: str, to: str) -> None:
    with pytest.raises(ValueError, match="cannot be converted"):
        converted(1, unit, to)


# -- counts -----------------------------------------------------------------------


def test_repeated_times_are_counted(
    run: Run, points: StorageAdapter, write: Write
) -> None:
    rows = [f"2024-01-01 00:{minute:02d},{minute}" for minute in range(48)]
    again = [rows[3], "2024-01-01 00:07,99", rows[9]]
    text = "\n".join(["ts,num", *rows, *again])
    out = run("haystack_his_import", write("a.csv", text))
    assert "51 rows, 48 samples, 3 repeated times, last one kept; 1 points" in out
    assert values(points)[7] == Number(99, "°F") and len(values(points)) == 48


def test_repeated_in_another_file_and_column(
    run: Run, points: StorageAdapter, write: Write
) -> None:
    text = f"ts,num,flag\n{AT},1,T\n{AT},2,\n"
    again = f"ts,id,val\n{AT},flag,F\n"
    out = run("haystack_his_import", write("a.csv", text), write("b.csv", again))
    assert "3 rows, 2 samples, 2 repeated times, last one kept; 2 points" in out
    assert (values(points), values(points, "flag")) == ([Number(2, "°F")], [False])
