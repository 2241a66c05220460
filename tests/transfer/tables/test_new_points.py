"""Points that are made of headers and of names in rows, and amounts of intervals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.base import CommandError

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.base import StorageAdapter

from .conftest import Import

His = Callable[[str], dict[str, Any]]
WIDE = (
    "Time,Flow Temp (°C),Pump,State,sat,Rate\n"
    "2024-06-15 00:00,20.5,on,Heat,1,3 L/s\n2024-06-15 00:15,21,off,1,2,4 L/s\n"
)


def test_the_headers_of_a_wide_table(
    load: Import, his: His, building: StorageAdapter
) -> None:
    options = ("--create", "--equip", "@ahu", "--tz", "Berlin")
    out = load(WIDE, *options, "--dry-run")
    assert "new point @ahu.flow-temp: Flow Temp, Number, °C, Berlin" in out
    assert "new point @ahu.pump: Pump, Bool, Berlin" in out
    assert "new point @ahu.state: State, Str, Berlin" in out
    assert "new point @ahu.rate: Rate, Number, L/s, Berlin" in out
    assert out.count("new point") == 4
    assert not building.read_by_ids(["ahu.rate"])[0]
    load(WIDE, *options)
    assert list(his("ahu.flow-temp").values()) == [20.5, 21]
    assert list(his("ahu.state").values()) == ["Heat", "1"]
    record = building.existing("ahu.pump")
    assert (record["equipRef"], record["siteRef"]) == (Ref("ahu"), Ref("hq"))
    assert "new point" not in load(WIDE, *options)


def test_the_names_of_a_long_table(
    load: Import, his: His, building: StorageAdapter
) -> None:
    text = (
        "Zeit;Point;Value;Unit\n15.06.2024 00:00;X 1;20,5;kW\n"
        "15.06.2024 00:00;X 2;ein;\n15.06.2024 00:15;X 1;1.020,5;kW\n"
    )
    building.load_entities(
        [{"id": Ref("hq"), "site": MARKER, "dis": "HQ", "tz": "Paris"}]
    )
    load(text, "--create", "--site", "hq")
    assert list(his("hq.x-1").values()) == [20.5, 1020.5]
    assert next(iter(his("hq.x-1"))) == "2024-06-14T22:00:00"
    assert list(his("hq.x-2").values()) == [True]
    assert building.existing("hq.x-1")["unit"] == "kW"


def test_the_point_of_an_option(load: Import, his: His) -> None:
    out = load(
        "Time,Value\n2024-06-15 00:00,5kW\n",
        *("--point", "new", "--create", "--tz", "Berlin"),
    )
    assert "new point @new: new, Number, kW, Berlin" in out
    assert list(his("new").values()) == [5]


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("!!", ("--create", "--tz", "Berlin"), 'no id can be made of "!!"'),
        ("HQ", ("--create", "--tz", "Berlin"), "@hq already exists and is not the"),
        ("A", ("--create", "--site", "ahu"), "--site: @ahu is not a site"),
        ("A", ("--create", "--equip", "no"), "--equip: unknown entity @no"),
        ("A", ("--create", "--site", "hq"), "need a zone: --tz, or --site"),
        ("A", ("--site", "hq"), "are for points that --create makes"),
    ],
)
def test_refused(
    header: str, options: tuple[str, ...], message: str, load: Import
) -> None:
    with pytest.raises(CommandError, match=message):
        load(f"Time,{header}\n2024-06-15 00:00,1\n", *options)


INTERVALS = (
    "Start,End,Meter (kWh)\n2024-03-31 00:30,2024-03-31 01:00,1\n"
    "2024-03-31 01:00,2024-03-31 01:30,2\n2024-03-31 01:30,2024-03-31 03:00,3\n"
    "2024-03-31 03:00,2024-03-31 03:30,4\n"
)
"""Over the hour that clocks skip in Paris."""


def test_starts_are_moved_to_ends(
    load: Import, his: His, building: StorageAdapter
) -> None:
    out = load(INTERVALS, "--time", "Start", "--stamps", "start")
    assert "the times are starts of 30 minutes: moved to their ends" in out
    assert "@meter gets hisMode consumption" in out
    ends = {"2024-03-31T00:00:00": 1, "2024-03-31T00:30:00": 2}
    ends |= {"2024-03-31T01:00:00": 3, "2024-03-31T01:30:00": 4}
    assert his("meter") == ends
    assert building.existing("meter")["hisMode"] == "consumption"
    out = load(INTERVALS, "--time", "End", "--stamps", "end")
    assert "are starts of" not in out and "gets" not in out
    assert his("meter") == ends


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("Time,Meter\n2024-06-15,1\n", (), "one time does not show the interval"),
        (
            "Time,Meter\n2024-06-15,1\n2024-06-16,1\n2024-06-18,1\n2024-06-30,1\n",
            (),
            "no common interval, but 1 day, 0:00:00 and 2 days",
        ),
        ("Time,Fan\n2024-06-15,1\n2024-06-16,1\n", (), "for Numbers with hisMode"),
    ],
)
def test_intervals_that_are_not_clear(
    text: str, options: tuple[str, ...], message: str, load: Import, his: His
) -> None:
    with pytest.raises(CommandError, match=message):
        load(text, "--stamps", "start", *options)
    assert not his("meter")


def test_points_with_another_mode(load: Import, building: StorageAdapter) -> None:
    record = {"id": Ref("meter"), "hisMode": "sampled"}
    building.update_entities([record], force=True)
    with pytest.raises(CommandError, match="hisMode consumption, not sampled"):
        load(INTERVALS, "--time", "Start", "--stamps", "start")


KINDS = [
    (
        "Number",
        "Time,a\n2024-06-15,1\n2024-06-16,2\n2024-06-17,Restarted\n",
        "Restarted",
    ),
    ("Number", "Time,a (kW)\n2024-06-15,1\n2024-06-16,(12.5)\n", "(12.5)"),
    ("Number", "Time,a\n2024-06-15,1 °C {ok}\n2024-06-16,nan °C {fault}\n", ""),
    ("Number", "Time,a\n2024-06-15,???\n2024-06-16,<NaN>\n2024-06-17,1\n", ""),
    ("Bool", "Time,a\n2024-06-15,Marche\n2024-06-16,Arrêt\n", ""),
    ("Str", "Time,a\n2024-06-15,Occupied {ok}\n2024-06-16,Standby {ok}\n", ""),
]


@pytest.mark.parametrize(("kind", "text", "invalid"), KINDS)
def test_most_cells_decide_the_kind(
    kind: str, text: str, invalid: str, load: Import, building: StorageAdapter
) -> None:
    options = ("--create", "--tz", "Berlin")
    if invalid:
        with pytest.raises(
            CommandError, match=re.escape(f'invalid {kind} "{invalid}"')
        ):
            load(text, *options)
        load(text, *options, "--no-value", invalid)
    else:
        load(text, *options)
    assert building.existing("a")["kind"] == kind


def test_ids_have_no_accents(load: Import, building: StorageAdapter) -> None:
    text = "Zeit;AHU: Rücklauf (°C)\n15.06.2024 00:00;20,5\n"
    load(text, "--create", "--tz", "Berlin")
    assert building.existing("ahu-rucklauf")["dis"] == "AHU: Rücklauf"


def test_the_names_of_equips_are_not_units(
    load: Import, building: StorageAdapter
) -> None:
    text = "Time,Chiller A,Chiller C,SAT min,Flow gpm\n2024-06-15,1,2,3,4\n"
    load(text, "--create", "--tz", "Berlin")
    ids = ["chiller-a", "chiller-c", "sat-min", "flow"]
    units = [building.existing(id).get("unit") for id in ids]
    assert units == [None, None, None, "gal/min"]


def test_a_row_of_one_point_without_a_header(load: Import) -> None:
    text = "2024-06-15 00:00,1\n2024-06-15 00:15\n"
    with pytest.raises(CommandError, match="line 2: expected 2 cells, found 1"):
        load(text, "--create", "--tz", "Berlin", "--point", "a")


@pytest.mark.parametrize(
    ("header", "hour"), [("Time (UTC)", 9), ("Time", 7), ("Time [Europe/London]", 8)]
)
def test_the_zone_of_the_file_counts_for_new_points(
    header: str, hour: int, load: Import, his: His
) -> None:
    """The option says where the points are, and decides what the file leaves open."""
    load(f"{header},a\n2024-06-15 09:00,1\n", "--create", "--tz", "Berlin")
    assert list(his("a")) == [f"2024-06-15T{hour:02d}:00:00"]


def test_standard_time_the_whole_year(load: Import, his: His) -> None:
    text = "DATE (MM/DD/YYYY),MST,a\n06/15/2024,09:00,1\n"
    with pytest.raises(CommandError, match="MST is not what clocks in Denver show"):
        load(text, "--create", "--tz", "Denver")
    with pytest.raises(CommandError, match=r"MST is not what clocks in GMT\+5 show"):
        load(text, "--create", "--tz", "GMT+5")
    load(text, "--create", "--tz", "GMT+7")
    assert list(his("a")) == ["2024-06-15T16:00:00"]


def test_the_unit_beside_the_values_of_one_point(
    load: Import, building: StorageAdapter
) -> None:
    text = "Time,Usage,Units\n2024-06-15,1,kWh\n2024-06-16,2,kWh\n"
    load(text, "--create", "--tz", "Berlin", "--point", "main")
    assert building.existing("main")["unit"] == "kWh"


ABOVE = (
    "history:/Plant/AHU1_SAT\n01-Jun-24 to 02-Jun-24\n\n{}",
    "Trend Log: AHU1_SAT\n{}",
    "Report,Daily\nPoint Name,AHU1_SAT\nDevice,AHU 1\n\n{}",
    "Point Name,Description,Device\nAHU1_SAT,Supply air,AHU 1\n\n{}",
)
BELOW = (
    "Timestamp,Trend Flags,Status,Value (°C)\n"
    "15-Jun-24 12:00:00 AM,{{ }},{{ok}},{}\n15-Jun-24 12:15:00 AM,{{ }},{{ok}},21\n"
)


@pytest.mark.parametrize("above", ABOVE)
def test_a_name_above_the_table(load: Import, his: His, above: str) -> None:
    """Tables of one point each, in any number, tell which one that is."""
    out = load(above.format(BELOW.format(20.5)), "--create", "--tz", "Paris")
    [id] = re.findall(r"new point @(\S+):", out)
    assert id.endswith("ahu1_sat")
    assert list(his(id).values()) == [20.5, 21]
    known = above.replace("Plant/", "AHU-1/").replace("AHU1_SAT", "Supply Temp")
    known = known.format(BELOW.format(22))
    assert "new point" not in load(known, "--create", "--tz", "Paris")
    assert list(his("sat").values()) == [22, 21]


@pytest.mark.parametrize(
    "above",
    [
        "",
        "Trend Report\n",
        "Device: AHU-1\n",
        "Point: AHU1_SAT\nPoint: AHU1_RAT\n",
        "Point:\n",
        "Point Name,Description\n",
        "Point Name,Description\n,Supply air\n",
        "Device,Description\nAHU1_SAT,Supply air\n",
    ],
)
def test_values_that_may_be_of_any_point(load: Import, above: str) -> None:
    """Columns of statuses and flags beside them do not make them a point."""
    with pytest.raises(CommandError, match=r"not name a point.*name it with --po"):
        load(above + BELOW.format(20.5), "--create", "--tz", "Paris")
    out = load(above + BELOW.format(20.5), "--point", "sat")
    assert "2 samples" in out
