"""Tables of other forms: columns of a day, pairs, names in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.base import CommandError

from haystack_app.storage.base import StorageAdapter

from .conftest import Import
from .test_layouts import at

His = Callable[[str], dict[str, Any]]
HOURS = [f"{hour:02d}:00" for hour in range(24)]


def day_table(columns: list[str], *rows: str) -> str:
    """Values 0 to 23, or as many as there are columns, in each row."""
    cells = ",".join(map(str, range(len(columns))))
    lines = [f"Meter,Date,{','.join(columns)}", *(f"{row},{cells}" for row in rows)]
    return "\n".join(lines) + "\n"


def test_a_column_for_each_time_of_a_day(load: Import, his: His) -> None:
    out = load(day_table([*HOURS[1:], "24:00"], "Meter,2024-06-15", "Meter,2024-06-16"))
    assert "times: Date and Time of day" in out
    found = his("meter")
    assert len(found) == 48
    assert found["2024-06-14T23:00:00"] == 0
    assert found["2024-06-15T22:00:00"] == 23
    assert found["2024-06-15T23:00:00"] == 0


@pytest.mark.parametrize(
    "columns",
    [
        [f"HH{number:02d}" for number in range(1, 49)],
        [f"period {number}" for number in range(1, 49)],
        [str(number) for number in range(48)],
        [f"{at // 2:02d}:{at % 2 * 30:02d}" for at in [*range(1, 48), 0]],
        [
            f"{at // 2}:{at % 2 * 30:02d} - {(at + 1) // 2 % 24}:{(at + 1) % 2 * 30:02d}"
            for at in range(48)
        ],
    ],
)
def test_intervals_are_at_their_ends(
    columns: list[str], load: Import, his: His
) -> None:
    out = load(day_table(columns, "Meter,15/06/2024"))
    assert "Date and End of interval" in out or columns[0] == "00:30"
    found = his("meter")
    assert len(found) == 48
    assert found["2024-06-14T22:30:00"] == 0
    assert found["2024-06-15T22:00:00"] == 47


def test_starts_of_intervals_of_a_day(load: Import, his: His) -> None:
    columns = [f"H{number}" for number in range(1, 25)]
    load(day_table(columns, "Meter,2024-06-15"), "--stamps", "start")
    assert his("meter")["2024-06-14T23:00:00"] == 0
    assert his("meter")["2024-06-15T22:00:00"] == 23


def test_the_hour_that_clocks_skip_has_no_value(load: Import, his: His) -> None:
    cells = ["" if hour == "02:00" else "1" for hour in HOURS]
    text = f"Date,{','.join(HOURS)}\n2024-03-31,"
    load(f"{text}{','.join(cells)}\n", "--point", "meter")
    assert len(his("meter")) == 23
    with pytest.raises(CommandError, match="does not occur in Paris"):
        load(f"{text}{','.join('1' * 24)}\n", "--point", "meter")


def test_columns_of_equips_are_not_hours(load: Import) -> None:
    """Twenty-four of them in a table with a row a day."""
    columns = ",".join(f"AHU{number}" for number in range(1, 25))
    with pytest.raises(CommandError, match=r"no point with the id, dis or path .AHU1"):
        load(f"Date,{columns}\n2024-06-15,{','.join('1' * 24)}\n")


def test_columns_for_the_hour_that_occurs_twice(load: Import, his: His) -> None:
    """They are empty on all other days; a value in them has no time of day."""
    columns = ",".join(f"HH{number}" for number in range(1, 51))
    text = f"Meter,Date,{columns}\nMeter,15/06/2024,{','.join('1' * 48)}"
    load(f"{text},,\n")
    assert len(his("meter")) == 48
    with pytest.raises(CommandError, match=r'invalid time "15/06/2024 24:30"'):
        load(f"{text},1,1\n")


PAIRS = {
    "below_equal_headers": (
        "AHU 1,,,\nTime,Supply Temp,Time,Power\n"
        "6/15/2024 0:00,20.5,6/15/2024 0:00,1\n6/15/2024 0:15,20.75,,\n"
    ),
    "below_names": (
        "Supply Temp,,Power,\n15-Jun-24 00:00:00,20.5,15-Jun-24 00:00:00,1\n"
        "15-Jun-24 00:15:00,20.75\n"
    ),
    "below_names_and_headers": (
        "Supply Temp,,Power,\nTime,Value,Time,Value\n"
        "2024-06-15 00:00,20.5,2024-06-15 00:00,1\n2024-06-15 00:15,20.75,,\n"
    ),
    "numbered": (
        "Time 1,Supply Temp,Time 2,Power\n,,2024-06-15 00:00,1\n"
        "2024-06-15 00:00,20.5,,\n2024-06-15 00:15,20.75,,\n"
    ),
    "with_statuses": (
        "Time,Supply Temp,Status,Time.1,Power,Status\n"
        "2024-06-15 00:00,20.5,ok,2024-06-15 00:00,1,ok\n"
        "2024-06-15 00:15,20.75,ok,2024-06-15 00:15,9,fault\n"
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_column_of_times_for_each_point(name: str, load: Import, his: His) -> None:
    load(PAIRS[name])
    assert (his("sat"), his("kw")) == (at(20.5, 20.75), at(1))


@pytest.mark.parametrize(
    "text",
    [
        "Start,sat,End,kw\n2024-06-15 00:00,1,2024-06-15 00:15,2\n",
        "Time,Value,Time,Value\n2024-06-15 00:00,1,2024-06-15 00:15,2\n",
        "Date,From,Date,To\n2024-06-15,00:00,2024-06-15,00:15\n",
    ],
)
def test_other_times_are_not_pairs(text: str, load: Import) -> None:
    with pytest.raises(CommandError, match="several columns have times"):
        load(text)


def test_cells_after_the_last_pair(load: Import) -> None:
    text = PAIRS["below_equal_headers"] + "6/15/2024 0:30,1,6/15/2024 0:30,1,7\n"
    with pytest.raises(CommandError, match="line 5: expected 3 cells, found 5"):
        load(text)


LONG = (
    "Equipment,Point,Time,Value\nAHU 1,Supply Temp,2024-06-15 00:00,20.5\n"
    "AHU 1,Power,2024-06-15 00:00,1\n"
)


def test_equip_and_point_are_a_path(load: Import, his: His, two_ahus: None) -> None:
    load(LONG.replace("AHU 1,Power", "AHU 2,Power").replace("Power", "Supply Temp"))
    assert (his("sat"), his("sat2")) == (at(20.5), at(1))


def test_the_columns_of_names_are_an_option(load: Import, his: His) -> None:
    text = LONG.replace("Equipment,Point", "Where,What")
    with pytest.raises(CommandError, match="no point with the id, dis or path"):
        load(text)
    load(text, "--name", "Where", "--name", "What")
    assert (his("sat"), his("kw")) == (at(20.5), at(1))
    with pytest.raises(CommandError, match="no row has the headers Nowhere"):
        load(text, "--name", "Nowhere")


def test_several_values_of_each_name(load: Import, his: His, two_ahus: None) -> None:
    text = (
        "Time,Unit,Supply Temp (°C),Power\n2024-06-15 00:00,AHU 1,20.5,1\n"
        "2024-06-15 00:00,AHU 2,21.5,\n"
    )
    values = ("--value", "Supply Temp (°C)", "--value", "Power")
    load(text, "--name", "Unit", *values)
    assert (his("sat"), his("kw"), his("sat2")) == (at(20.5), at(1), at(21.5))


def test_the_only_other_column_has_the_values(load: Import, his: His) -> None:
    load("name,time,mean\nSupply Temp,1718424000,20.5\nPower,1718424000,1\n")
    assert (his("sat"), his("kw")) == (at(20.5), at(1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "time,sensor,a,b\n2024-06-15 00:00,x,1,2\n2024-06-15 00:00,y,1,2\n",
            'column sensor: it may name the points: give --name "sensor"',
        ),
        (
            "time,where,a\n2024-06-15 00:00,x,1\n2024-06-15 00:00,y,2\n",
            "2 rows have the time .2024-06-15 00:00.: if a column names the points",
        ),
        (
            "Date,Delivery Hour,a\n2024-06-15,1,1\n2024-06-15,2,2\n",
            "if one is a part of the time, with --time",
        ),
        (
            "Time,Zone,a\n2024-06-15 00:00,EDT,1\n2024-06-15 00:15,EST,2\n",
            "column Zone: it has the zones of the times",
        ),
        ("time,value\n2024-06-15 00:00,1\n", "it does not name a point.*--point"),
        ("time,UTC Offset,a\n2024-06-15 00:00,-4,1\n", "column UTC Offset: it has the"),
        ("time,,a\n2024-06-15 00:00,5,1\n", "column : it has values, but no header"),
        (
            "point,time,value\nA/1,2024-06-15 00:00,1\nA-1,2024-06-15 00:00,2\n",
            '"A/1" and "A-1" would both be @a-1: map them with --mapping',
        ),
    ],
)
def test_points_are_not_mixed(
    text: str, message: str, load: Import, building: StorageAdapter
) -> None:
    before = len(list(building.read("point")))
    with pytest.raises(CommandError, match=message):
        load(text, "--create", "--tz", "Berlin")
    assert len(list(building.read("point"))) == before


def test_the_hour_that_occurs_twice_is_not_a_mixture(load: Import, his: His) -> None:
    rows = [(hour, half) for hour in (1, 1) for half in ("00", "30")]
    text = "".join(f"2024-11-03 0{hour}:{half},x,1\n" for hour, half in rows)
    load(f"time,season,a\n{text}", "--create", "--tz", "New_York")
    assert len(his("a")) == 4
