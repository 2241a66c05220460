"""What the command prints, stores and refuses."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from haystack_app.kinds import NA
from haystack_app.storage.base import StorageAdapter

from .conftest import Import

His = Callable[[str], dict[str, Any]]

GERMAN = (
    "Gebäude 7\nDatum;Supply Temp (°C);Power;Text\n"
    "15.06.2024 00:00;20,5;1.000,5;a\n15.06.2024 00:15;NaN;999,5;b\nSumme;20,5;2.000;\n"
)


def test_a_dry_run_prints_what_it_understood_and_stores_nothing(
    load: Import, his: His
) -> None:
    out = load(GERMAN, "--dry-run", "--ignore", "Text").splitlines()
    assert [line.strip() for line in out[1:]] == [
        "layout: wide, a column for each point",
        "text: utf-8, semicolons",
        "times: Datum (day, month, year), local in the zone of each point",
        "Supply Temp (°C) -> @sat, °C, decimal comma",
        "Power -> @kw, taken as kW, decimal comma",
        "left out: Text",
        'not read before the header: 1 rows, "Gebäude 7"',
        "not read at the end: 1 rows",
        "cells without a value: 1",
        "@kw: 2 samples, 2024-06-15T00:00:00-04:00 to 2024-06-15T00:15:00-04:00",
        "@sat: 1 samples, 2024-06-15T00:00:00-04:00 to 2024-06-15T00:00:00-04:00",
        "2 rows, 3 samples of 2 points from 1 files; nothing was stored",
    ]
    assert his("sat") == his("kw") == {}


def test_the_import_prints_the_same_and_stores(load: Import, his: His) -> None:
    out = load(GERMAN)
    assert "times: Datum (day, month, year)" in out
    assert out.endswith("2 rows, 5 samples of 3 points from 1 files\n")
    assert list(his("kw").values()) == [1000.5, 999.5]


BAD = (
    "Time,sat,kw\n2024-06-15 00:00,1,2\n2024-06-15 00:15,x,y\n2024-06-15 00:30,3,4\n"
    "later,5,6\n2024-06-15 01:00,7,8\n"
)


def test_errors_are_written_as_csv(load: Import, his: His, tmp_path: Path) -> None:
    report = tmp_path / "bad.csv"
    with pytest.raises(CommandError, match="3 errors"):
        load(BAD, "--errors", str(report))
    rows = list(csv.DictReader(report.open(encoding="utf-8")))
    assert [(row["line"], row["column"]) for row in rows] == [
        ("3", "sat"),
        ("3", "kw"),
        ("5", "Time"),
    ]
    assert rows[0]["file"].endswith("a.csv")
    assert 'invalid Number "x"' in rows[0]["reason"]
    assert "--no-value" in rows[0]["remedy"]
    assert his("sat") == {}


@pytest.mark.parametrize("allowed", ["2", "40%"])
def test_few_bad_rows_are_left_out(allowed: str, load: Import, his: His) -> None:
    out = load(BAD, "--skip-bad", allowed)
    assert "2 invalid rows left out" in out
    assert list(his("sat").values()) == [1, 3, 7]
    assert list(his("kw").values()) == [2, 4, 8]


@pytest.mark.parametrize("allowed", ["1", "39%"])
def test_too_many_bad_rows(allowed: str, load: Import, his: His) -> None:
    with pytest.raises(CommandError, match="3 errors, nothing was stored"):
        load(BAD, "--skip-bad", allowed)
    assert his("sat") == {}


def test_a_row_that_the_store_refuses_is_left_out_too(load: Import, his: His) -> None:
    load("ts,@sat\n1900-01-01 00:00,1\n2024-06-15 00:00,2\n", "--skip-bad", "1")
    assert list(his("sat").values()) == [2]


def test_a_bad_limit(load: Import) -> None:
    with pytest.raises(CommandError, match="--skip-bad: expected a number"):
        load(BAD, "--skip-bad", "few")


@pytest.mark.parametrize(
    ("policy", "values"), [("skip", [1]), ("na", [1, NA]), ("keep", [1, 2])]
)
def test_samples_with_a_bad_status(
    policy: str, values: list[Any], load: Import, his: His
) -> None:
    text = "Time,sat\n2024-06-15 00:00,1 {ok}\n2024-06-15 00:15,2 {fault}\n"
    load(text, "--status", policy)
    assert list(his("sat").values()) == values


def test_a_mapping_has_units_and_factors(
    load: Import, his: His, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("header;id;unit;factor\nP1;@kw;W;10\nOld;;;\n")
    text = "Time,P1,Old\n2024-06-15 00:00,250,1\n"
    with pytest.raises(CommandError, match=r"unit must be kW, not W .--convert"):
        load(text, "--mapping", str(mapping))
    load(text, "--mapping", str(mapping), "--convert")
    assert list(his("kw").values()) == [2.5]


@pytest.mark.parametrize("header", ["Power (W)", "Power [W]"])
def test_a_header_of_a_mapping_may_have_another_unit(
    header: str, load: Import, his: His, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(f"header;id\n{header};@kw\nFan A (min);@sat\n")
    text = f"Time,{header},Fan A (min)\n2024-06-15 00:00,2500,70\n"
    with pytest.raises(CommandError, match=r"unit must be kW, not W .--convert"):
        load(text, "--mapping", str(mapping))
    load(text, "--mapping", str(mapping), "--convert")
    assert list(his("kw").values()) == [2.5]
    assert list(his("sat").values()) == [70]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "a mapping has the columns header, id, unit, factor, kind"),
        ("header,id,factor\nx,kw,z\n", "line 2: factor must be a number, not z"),
        ("header,id\nx,kw\nx,sat\n", "line 3: header x is mapped twice"),
        ("header,id\nx,k w\n", "line 2: invalid ref id"),
    ],
)
def test_an_invalid_mapping(
    text: str, message: str, load: Import, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(text)
    with pytest.raises(CommandError, match=message):
        load("Time,x\n2024-06-15 00:00,1\n", "--mapping", str(mapping))


HEADERS_OF_UTC = ["Time (UTC)", "time_utc", "UTC time", "UTCDateTime", "Time [GMT]"]


@pytest.mark.parametrize("header", HEADERS_OF_UTC)
def test_utc_in_the_header(header: str, load: Import, his: His) -> None:
    assert "local in UTC" in load(f"{header},sat\n2024-06-15 00:00,1\n")
    assert list(his("sat")) == ["2024-06-15T00:00:00"]


@pytest.mark.parametrize(("zone", "hour"), [("UTC", "00"), ("America/Chicago", "05")])
def test_the_zone_above_the_header(
    zone: str, hour: str, load: Import, his: His
) -> None:
    load(f"Report\nTime Zone:,{zone}\n\nTime,sat\n2024-06-15 00:00,1\n")
    assert list(his("sat")) == [f"2024-06-15T{hour}:00:00"]


@pytest.mark.parametrize(
    "text",
    [
        "Time (GMT-5),sat\n2024-06-15 00:00,1\n",
        "Time (UTC+2),sat\n2024-06-15 00:00,1\n",
        "Exported 2024-06-16 12:00 UTC\nTime,sat\n2024-06-15 00:00,1\n",
        "Report\nTime Zone: GMT-5\nTime,sat\n2024-06-15 00:00,1\n",
        "Time,sat\n2024-06-15 00:00 GMT-5,1\n",
    ],
)
def test_a_zone_that_only_a_person_understands(
    text: str, load: Import, his: His
) -> None:
    with pytest.raises(CommandError, match="--tz"):
        load(text)
    if "00 GMT" not in text:
        load(text, "--tz", "Paris")
        assert list(his("sat")) == ["2024-06-14T22:00:00"]


def test_the_unit_of_the_preamble(load: Import, his: His) -> None:
    text = (
        "Identifiant PRM;Grandeur physique;Unite;Pas en minutes\n1;Energie;Wh;30\n"
        "Horodate;Valeur\n2024-06-15T00:30:00+02:00;1200\n"
    )
    with pytest.raises(CommandError, match="unit must be kWh, not Wh"):
        load(text, "--point", "meter")
    load(text, "--point", "meter", "--convert")
    assert his("meter") == {"2024-06-14T22:30:00": 1.2}


def test_our_own_csv_may_be_packed(load: Import, his: His) -> None:
    own = b"ts,id,val\n2024-06-15T00:00:00-04:00 New_York,@sat,NA\n"
    out = load(gzip.compress(own), name="own.csv.gz")
    assert "layout" not in out
    assert list(his("sat").values()) == [NA]


def test_a_file_that_unpacks_to_far_more(
    load: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haystack_app.transfer.tables.source._FREE", 100_000)
    with pytest.raises(CommandError, match="unpacked it is larger than"):
        load(gzip.compress(b"0" * 2_000_000), name="a.csv.gz")
    with pytest.raises(CommandError, match="invalid gzip"):
        load(b"no gzip", name="a.csv.gz")


def test_a_file_that_is_not_text(load: Import) -> None:
    with pytest.raises(CommandError, match="not a text file"):
        load(bytes(range(256)), name="a.txt")
    with pytest.raises(CommandError, match="neither UTF-8 nor cp1252"):
        load(b"Time,sat\x81\n", name="a.txt")
    with pytest.raises(CommandError, match="not a text file"):
        load(bytes(20_000))


def test_names_that_are_not_those_of_points_are_left_out(load: Import) -> None:
    out = load(
        "Time,Name Path Reference,Object Name,Object Value,Note\n"
        "2024-06-15 00:00,HQ/AHU-1/Power,PWR,5,x\n",
        *("--dry-run", "--ignore", "*"),
    )
    assert "left out: Object Name, Note" in out
    assert "@kw: 1 samples" in out


NEW = (
    "header,id,unit,kind\nOAT (°F),oat,,\nMode,@mode-cmd,,str\nOn,on,,bool\n"
    "Flow,flow,L/s,Number\nUnused,unused,,\nsat,sat,,\nNote,,,\n"
)
NEW_TABLE = (
    "Time,OAT (°F),Mode,On,Flow,sat,Note\n2024-06-15 00:00,70.5,auto,on,2,20,x\n"
    "2024-06-15 00:15,71,off,off,3,21,y\n"
)


def test_missing_points_are_made(
    load: Import, his: His, building: StorageAdapter, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(NEW)
    options = ("--mapping", str(mapping), "--tz", "Berlin", "--create")
    before = len(list(building.scan()))
    out = load(NEW_TABLE, *options, "--dry-run").splitlines()
    assert [line for line in out if line.startswith("new point")] == [
        "new point @oat: OAT, Number, °F, Berlin",
        "new point @mode-cmd: Mode, Str, Berlin",
        "new point @on: On, Bool, Berlin",
        "new point @flow: Flow, Number, L/s, Berlin",
    ]
    assert len(list(building.scan())) == before
    load(NEW_TABLE, *options)
    assert len(list(building.scan())) == before + 4
    assert list(his("oat").values()) == [70.5, 71]
    assert list(his("mode-cmd")) == ["2024-06-14T22:00:00", "2024-06-14T22:15:00"]
    assert list(his("on").values()) == [True, False]
    assert building.existing("flow")["unit"] == "L/s"
    assert "new point" not in load(NEW_TABLE, *options)


def test_an_invalid_file_makes_no_points(
    load: Import, building: StorageAdapter, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("header,id\nA,new-a\n")
    before = len(list(building.scan()))
    options = ("--mapping", str(mapping), "--tz", "Berlin", "--create")
    with pytest.raises(CommandError, match="invalid Number"):
        load("Time,A\n2024-06-15 00:00,x\n", *options)
    assert len(list(building.scan())) == before
    with pytest.raises(CommandError, match="new-a"):
        load("Time,A\n2024-06-15 00:00,1\n", *options[:-1])


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (None, (), "--create: the points need a zone: --tz, or --site"),
        ("header,id\nA,a\n", (), "--create: the points need a zone"),
        ("header,id,kind\nA,a,Bit\n", ("--tz", "Berlin"), "kind must be Number, Bool"),
        (
            "header,id,unit,kind\nA,a,kW,Bool\n",
            ("--tz", "Berlin"),
            "@a: a Bool point has no unit, not kW",
        ),
        (
            "header,id,unit\nA,a,kW\nB,a,W\n",
            ("--tz", "Berlin"),
            '@a: "A" and "B" give it two kinds or units',
        ),
        ("header,id,unit\nA,a,zz\n", ("--tz", "Berlin"), 'unknown unit "zz"'),
    ],
)
def test_create_needs_a_mapping_and_a_zone(
    text: str | None,
    options: tuple[str, ...],
    message: str,
    load: Import,
    tmp_path: Path,
) -> None:
    mapping = tmp_path / "mapping.csv"
    if text is not None:
        mapping.write_text(text)
        options += ("--mapping", str(mapping))
    with pytest.raises(CommandError, match=message):
        load("Time,A\n2024-06-15 00:00,1\n", "--create", *options)


def test_a_saved_mapping_is_read_back(load: Import, his: His, tmp_path: Path) -> None:
    mapping, saved = tmp_path / "mapping.csv", tmp_path / "saved.csv"
    mapping.write_text("header,id,unit,factor\nP1,kw,kW,0.5\nElsewhere,sat,,\n")
    text = (
        "Time,P1,Supply Temp (°C),Fan,Remarks\n"
        "2024-06-15 00:00,3,20.5,on,x\n2024-06-15 00:15,4,21,off,y\n"
    )
    options = ("--mapping", str(mapping), "--ignore", "Remarks")
    load(text, *options, "--save-mapping", str(saved), "--dry-run")
    assert saved.read_text(encoding="utf-8").splitlines() == [
        "header,id,unit,factor,kind",
        "P1,kw,kW,0.5,",
        "Elsewhere,sat,,,",
        "Supply Temp (°C),sat,°C,,Number",
        "Fan,fan,,,Bool",
        "Remarks,,,,",
    ]
    load(text, "--mapping", str(saved))
    assert list(his("kw").values()) == [1.5, 2]
    assert list(his("sat").values()) == [20.5, 21]
    assert list(his("fan").values()) == [True, False]


def test_the_names_of_a_long_table_are_saved(load: Import, tmp_path: Path) -> None:
    saved = tmp_path / "saved.csv"
    text = "Time,Name,Value\n2024-06-15 00:00,Supply Temp,3\n2024-06-15 00:00,Fan,on\n"
    load(text, "--save-mapping", str(saved))
    assert "Supply Temp,sat,,,Number\nFan,fan,,,Bool\n" in saved.read_text()
    load(text, "--mapping", str(saved))


def test_a_mapping_that_cannot_be_saved(load: Import, his: His, tmp_path: Path) -> None:
    """Two files that name their columns by numbers."""
    other = tmp_path / "b.csv"
    other.write_text("Point_1:,Supply Temp\nTime,Point_1\n2024-06-15 00:00,2\n")
    text = "Point_1:,Power\nTime,Point_1\n2024-06-15 00:00,1\n"
    saved = tmp_path / "saved.csv"
    with pytest.raises(CommandError, match='"Point_1" is @kw in one file and @sat in'):
        load(text, str(other), "--save-mapping", str(saved))
    with pytest.raises(CommandError, match=r"--save-mapping: .*No such file"):
        load(text, "--save-mapping", str(tmp_path / "no" / "saved.csv"))
    assert not his("kw")


def test_a_folder_of_files(load: Import, his: His, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    (folder / "a.csv").write_text("Time,Fan\n2024-06-15 00:00,on\n")
    (folder / "b" / "b.csv.gz").write_bytes(gzip.compress(b"Time,sat\n2024-06-15,20\n"))
    (folder / "notes.md").write_text("not samples")
    call_command("haystack_his_import", str(folder), stdout=StringIO())
    assert list(his("fan").values()) == [True]
    assert list(his("sat").values()) == [20]
    (folder / "b" / "b.csv.gz").unlink()
    with pytest.raises(CommandError, match=r"no \.csv, .* file in this folder"):
        call_command("haystack_his_import", str(folder / "b"))


@pytest.mark.parametrize(
    "content",
    [
        b"Time,Fan\n2024-06-15 00:00,on\n",
        gzip.compress(b"Time,Fan\n2024-06-15 00:00,on\n", mtime=0),
        "Time;Fan\n15.06.2024 00:00;on\n".encode("utf-16"),
        b'ver:"3.0" id:@fan\nts,val\n2024-06-15T00:00:00-04:00 New_York,T\n',
    ],
)
def test_standard_input(
    content: bytes, building: StorageAdapter, his: His, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(content)))
    call_command("haystack_his_import", "-", stdout=StringIO())
    assert his("fan") == {"2024-06-15T04:00:00": True}


def test_entities_of_standard_input(
    building: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "id;dis;tags\nnew;New;site\n"
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text.encode())))
    call_command("haystack_load", "-", stdout=StringIO())
    assert building.existing("new")["dis"] == "New"
