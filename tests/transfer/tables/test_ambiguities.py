"""Where two readings are possible, an error names the option that decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.base import CommandError

from .conftest import Import

His = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize(
    ("text", "args", "message"),
    [
        ("Time,sat\n03/04/2024 00:00,1\n", (), "has two readings.*--dates dmy or --dates mdy"),
        ("Time,sat\n03/04/05 00:00,1\n", (), "--dates dmy or --dates mdy or --dates ymd"),
        ("Time,sat\n13/04/2024 00:00,1\n04/13/2024 00:00,1\n", (), "no order of day and month"),
        ('Time,kw\n2024-06-15 00:00,"1,234"\n', (), "line 2 has two readings.*--decimal"),
        ("Time;kw\n2024-06-15 00:00;1.234\n", (), "line 2 has two readings.*--decimal"),
        (
            "Time;kw\n2024-06-15 00:00;1.5\n2024-06-15 01:00;1,5\n",
            (),
            "points and commas: .* in line 2 and .* in line 3",
        ),
        ("Start,End,sat\n2024-06-15 00:00,2024-06-15 01:00,1\n", (), "several columns have times"),
        ("Time,sat,Supply Temp\n2024-06-15 00:00,1,2\n", (), "two columns for @sat"),
        ("Time,Nope\n2024-06-15 00:00,1\n", (), 'no point .* "Nope": map it .* --ignore'),
        ("Time,sat (kW)\n2024-06-15 00:00,1\n", (), "unit must be °C, not kW"),
        ("Time,sat (zz)\n2024-06-15 00:00,1\n", (), 'unknown unit "zz"'),
        ("Time,Site,Point,Value\n2024-06-15 00:00,HQ,sat,1\n", (), "not understood, \"Site\""),
        ("Time,Point,Value\n2024-06-15 00:00,a,1\n", ("--point", "sat"), "needs one column"),
        ("a,b\n1,2\n", (), "no column of times"),
        ("Time,sat,status,rat,text\n2024-06-15 00:00,1,odd,2,x\n", (), "unknown status"),
        ("Time,sat\n2024-06-15 00:00 PST,1\n", (), "PST is not what clocks in New_York"),
        ("Time,sat\n2024-03-10 02:30,1\n", (), "does not occur in New_York"),
        ("Time,sat\n2024-11-03 01:30,1\n", (), "occurs twice .* --dst first"),
        ("Time,mode\n2024-06-15 00:00,Occupied\n2024-06-15 00:15,Away\n", (), "invalid Bool"),
        ("Time,sat\n2024-06-15 00:00\n2024-06-15 00:15,1\n", (), "line 2: expected 2 cells"),
        ("Time,sat\n2024-06-15 00:00,1\nx,2\n2024-06-15 00:30,1\n", (), "line 3.* invalid time"),
        ("Time,sat\n2024-06-15 00:00,1\nyesterday,2\n", (), "line 3.* invalid time"),
        ('Time,sat\n"2024-06-15 00:00,1\n', (), "no closing quote|no column of times"),
        (
            "Time,sat,\n" + "2024-06-15 00:00,1,\n" * 450 + "2024-06-15 00:00,1,9\n",
            (),
            "line 452: a cell in a column without a header",
        ),
        ("Time,sat\n1900-06-15 00:00,1\n", (), "before 1950"),
        ("Time,Power,sat\n2024-06-15 00:00,1 °C,2\n", (), "unit must be kW, not °C"),
    ],
)  # fmt: skip
def test_an_error_and_nothing_stored(
    text: str, args: tuple[str, ...], message: str, load: Import, his: His
) -> None:
    with pytest.raises(CommandError, match=message):
        load(text, *args)
    assert his("sat") == his("kw") == {}


@pytest.mark.parametrize(
    ("order", "time"),
    [
        ("dmy", "2005-04-03T05:00:00"),
        ("mdy", "2005-03-04T05:00:00"),
        ("ymd", "2003-04-05T05:00:00"),
    ],
)
def test_the_order_of_dates_is_an_option(
    order: str, time: str, load: Import, his: His
) -> None:
    out = load("Time,sat\n03/04/05 00:00,1\n", "--dates", order)
    assert his("sat") == {time: 1}
    assert {"dmy": "day, month, year", "mdy": "month, day, year"}.get(
        order, "year first"
    ) in out


@pytest.mark.parametrize(("sign", "value"), [("comma", 1.234), ("point", 1234)])
def test_the_decimal_sign_is_an_option(
    sign: str, value: float, load: Import, his: His
) -> None:
    load('Time,kw\n2024-06-15 00:00,"1,234"\n', "--decimal", sign)
    assert list(his("kw").values()) == [value]


def test_other_cells_decide(load: Import, his: His) -> None:
    """A later row of the column, and other columns of the file."""
    load(
        'Time,kw,count\n2024-06-15 00:00,"1,234","2,000"\n'
        '2024-06-15 00:15,"0,5","3,000"\n'
    )
    assert list(his("kw").values()) == [1.234, 0.5]
    assert list(his("count").values()) == [2, 3]


def test_a_later_row_shows_the_order_of_dates(load: Import, his: His) -> None:
    load("Time,sat\n03/04/2024 00:00,1\n13/04/2024 00:00,2\n")
    assert list(his("sat")) == ["2024-04-03T04:00:00", "2024-04-13T04:00:00"]


def test_the_order_of_rows_decides_the_hour_that_occurs_twice(
    load: Import, his: His
) -> None:
    times = ["0:30", "1:00", "1:30", "1:00", "1:30", "2:00"]
    rows = "".join(f"11/03/2024 {time},{n}\n" for n, time in enumerate(times))
    load("Time,sat\n" + rows + "11/13/2024 0:00,9\n")
    assert list(his("sat").values()) == [0, 1, 2, 3, 4, 5, 9]
    load("Time,rat\n2024-11-03 01:30 EST,1\n2024-11-03 01:30 EDT,2\n")
    assert his("rat") == {"2024-11-03T05:30:00": 2, "2024-11-03T06:30:00": 1}


def test_two_points_of_one_name(load: Import, building: Any) -> None:
    building.load_entities(
        [{**building.existing("sat").tags, "id": building.existing("sat")["id"]}]
    )
    record = dict(building.existing("rat"))
    building.load_entities([{**record, "dis": "Supply Temp"}])
    with pytest.raises(CommandError, match="names 2 points, @rat, @sat"):
        load("Time,Supply Temp\n2024-06-15 00:00,1\n")
