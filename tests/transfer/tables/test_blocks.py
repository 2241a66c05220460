"""Files with a table for each of several points or equips, one below the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.base import CommandError

from haystack_app.storage.base import StorageAdapter

from .conftest import Import
from .test_layouts import Case, at

NAMED = (
    "Point: Supply Temp\nUnits: °C\nTimestamp,Value\n2024-06-15 00:00,20.5\n"
    "2024-06-15 00:15,20.75\n\nPoint: Power\nUnits: kW\nTimestamp,Value\n"
    "2024-06-15 00:00,5\n2024-06-15 00:15,6\n"
)
CASES = {
    "named_above": Case(
        f"Trend export\n{NAMED}", (), {"sat": at(20.5, 20.75), "kw": at(5, 6)}
    ),
    "named_in_two_cells": Case(
        '"Point Name:","Supply Temp"\n"Interval:","15 Minutes"\n"Date","Time","Value"\n'
        '"06/15/2024","00:00","20.5"\n"06/15/2024","00:15","20.75"\n'
        '"Point Name:","Power"\n"Interval:","15 Minutes"\n"Date","Time","Value"\n'
        '"06/15/2024","00:00","5"\n"06/15/2024","00:15","6"\n',
        ("--dates", "mdy"),
        {"sat": at(20.5, 20.75), "kw": at(5, 6)},
    ),
    "padded_by_a_spreadsheet": Case(
        "Supply Temp;;\nZeit;Wert;Status\n15.06.2024 00:00;20,5;ok\n"
        "15.06.2024 00:15;99,9;fault\n;;\nPower;;\nZeit;Wert;Status\n"
        "15.06.2024 00:00;5;ok\n",
        (),
        {"sat": at(20.5), "kw": at(5)},
    ),
    "columns_of_their_own": Case(
        "Timestamp,Supply Temp (°C),Return Temp (°C)\n2024-06-15 00:00,20.5,22\n"
        "Timestamp,Power (kW)\n2024-06-15 00:00,5\n2024-06-15 00:15,6\n",
        (),
        {"sat": at(20.5), "rat": at(22), "kw": at(5, 6)},
    ),
    "niagara": Case(
        "history:/AHU-1/Supply$20Temp\nTimestamp,Trend Flags,Status,Value (°C)\n"
        "15-Jun-24 12:00:00 AM EDT,{start},{ok},20.5\n"
        "15-Jun-24 12:15:00 AM EDT,{ },{fault},99.9\n"
        "history:/AHU-1/Power\nTimestamp,Trend Flags,Status,Value (kW)\n"
        "15-Jun-24 12:00:00 AM EDT,{ },{ok},5\n",
        (),
        {"sat": at(20.5), "kw": at(5)},
    ),
    "a_total_below_each": Case(
        NAMED.replace("20.75\n", "20.75\nTotal,41.25\n") + "Total,11\n",
        (),
        {"sat": at(20.5, 20.75), "kw": at(5, 6)},
    ),
    "joined_files": Case(
        "Timestamp,Supply Temp\n2024-06-15 00:00,20.5\nTimestamp,Supply Temp\n"
        "2024-06-15 00:15,20.75\n",
        (),
        {"sat": at(20.5, 20.75)},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_imports(
    load: Import, his: Callable[[str], dict[str, Any]], case: Case
) -> None:
    load(case.text, *case.args, name=case.name)
    assert {id: his(id) for id in case.samples} == case.samples


def test_equips_with_points_of_the_same_names(
    two_ahus: None, load: Import, his: Callable[[str], dict[str, Any]]
) -> None:
    table = "Time,Supply Temp\n2024-06-15 00:00,{}\n"
    load(f"AHU-1\n{table.format(20.5)}\nAHU-2\n{table.format(21.5)}")
    assert (his("sat"), his("sat2")) == (at(20.5), at(21.5))


def test_long_tables(load: Import, his: Callable[[str], dict[str, Any]]) -> None:
    """The second one begins after what the form of a file is found from."""
    rows = "".join(
        f"2024-06-{1 + n // 96:02}T{n % 96 // 4:02}:{n % 4 * 15:02},{n}\n"
        for n in range(900)
    )
    head = "Point: {}\nTimestamp,Value\n"
    load(head.format("Supply Temp") + rows + head.format("Power") + rows)
    assert len(his("sat")) == len(his("kw")) == 900


def test_points_are_made(building: StorageAdapter, load: Import) -> None:
    text = NAMED.replace("Supply Temp", "Zone A").replace("Power", "Zone B")
    load(text, "--create", "--tz", "New_York")
    found = {
        one["dis"]: one
        for one in building.read("point and his")
        if "Zone" in one["dis"]
    }
    assert {dis: one["unit"] for dis, one in found.items()} == {
        "Zone A": "°C",
        "Zone B": "kW",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        # an invalid row is refused in its table, and none is taken as a name
        (
            NAMED.replace("2024-06-15 00:15,20.75", "yesterday,20.75"),
            'line 5, column Timestamp: invalid time "yesterday"',
        ),
        (NAMED + "tomorrow,7\n", 'line 12, column Timestamp: invalid time "tomorrow"'),
        # the months of one table, joined
        (
            "Exported: June\nTimestamp,Supply Temp\n2024-06-15 00:00,20.5\n"
            "Exported: July\nTimestamp,Supply Temp\n2024-07-15 00:00,20.5\n",
            "line 4: expected 2 cells",
        ),
        (
            NAMED.replace("Point: Power", "Point: Gas"),
            'line 10, column Point: no point with .* "Gas"',
        ),
        # times have another header in each table
        (
            "Zeit;Supply Temp\n15.06.2024 00:00;20,5\nTimestamp;Power;Return Temp\n"
            "15.06.2024 00:00;5;22\n15.06.2024 00:15;6;23\n",
            "line 2 is that of another table, above the one that was found",
        ),
    ],
)
def test_refused(
    building: StorageAdapter, load: Import, text: str, problem: str
) -> None:
    with pytest.raises(CommandError, match=problem):
        load(text)
    assert building.existing("sat").get("hisSize") is None
