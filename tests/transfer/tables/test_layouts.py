"""Files as systems of many makers export them, with invented numbers."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from .conftest import Import

JUNE = "2024-06-15T"


class Case(NamedTuple):
    text: str | bytes
    args: tuple[str, ...]
    samples: dict[str, dict[str, Any]]
    name: str = "a.csv"


def at(
    *values: Any, day: str = JUNE, start: int = 4, minutes: int = 15
) -> dict[str, Any]:
    """Values at UTC times, a quarter of an hour apart, from midnight in New York."""
    found = {}
    for number, value in enumerate(values):
        minute = start * 60 + number * minutes
        if value is not None:
            found[f"{day}{minute // 60:02d}:{minute % 60:02d}:00"] = value
    return found


CASES = {
    "niagara_history": Case(
        "Timestamp,Trend Flags,Status,Value (°C)\r\n"
        "15-Jun-24 12:00:00 AM EDT,{start},{ok},20.5\r\n"
        "15-Jun-24 12:15:00 AM EDT,{ },{fault},99.9\r\n"
        "15-Jun-24 12:30:00 AM EDT,{ },{ok},21\r\n",
        ("--point", "sat"),
        {"sat": at(20.5, None, 21)},
    ),
    "niagara_suffixes": Case(
        "history:/Station/AHU1\n\nTimestamp,Supply Temp (°C),Fan\n"
        "15-Jun-24 12:00:00 AM UTC,20.5 {ok},true {ok}\n"
        "15-Jun-24 12:15:00 AM UTC,20.7 {down},false {overridden @ 8}\n",
        (),
        {"sat": at(20.5, start=0), "fan": at(True, False, start=0)},
    ),
    "metasys": Case(
        "Date / Time,Name Path Reference,Object Name,Object Value\n"
        "6/15/2024 12:00:00 AM,HQ/AHU-1/Supply Temp,SA-T,20.5 deg C\n"
        "6/15/2024 12:15:00 AM,HQ/AHU-1/Supply Temp,SA-T,20.75 deg C\n"
        "6/15/2024 12:00:00 AM,HQ/AHU-1/Fan,SF-C,On\n"
        "6/15/2024 12:15:00 AM,HQ/AHU-1/Fan,SF-C,Off\n",
        (),
        {"sat": at(20.5, 20.75), "fan": at(True, False)},
    ),
    "desigo": Case(
        "sep=;\nDatum;Uhrzeit;Supply Temp [°C];Power [kW];\r\n"
        "15.06.2024;00:00;20,5;1.234,5;\r\n"
        "15.06.2024;00:15;20,75;999,25;\r\n"
        "Summe;;41,25;2.233,75;\r\n",
        (),
        {"sat": at(20.5, 20.75), "kw": at(1234.5, 999.25)},
    ),
    "siemens_apogee": Case(
        '"Key","Name:Suffix","Trend Definitions Used"\n'
        '"Point_1:","Supply Temp","15 minutes"\n"Point_2:","Fan","15 minutes"\n'
        '"Time Interval:","15 Minutes"\n\n"<>Date","Time","Point_1","Point_2"\n'
        '"6/15/2024","00:00:00","20.5","ON"\n"6/15/2024","00:15:00","No Data","OFF"\n'
        '" ******************* End of Report *******************"\n',
        (),
        {"sat": at(20.5), "fan": at(True, False)},
    ),
    "ecostruxure": Case(
        "Timestamp\tSupply Temp\tOccupied\r\n\t°C\t\r\n"
        "15.06.2024 00:00:00\t20,5\tOccupied\r\n15.06.2024 00:15:00\t---\tUnoccupied\r\n",
        (),
        {"sat": at(20.5), "mode": at(True, False)},
        "trend.txt",
    ),
    "skyspark": Case(
        "Timestamp,HQ AHU-1 Supply Temp,Power\n"
        "2024-06-15T00:00:00-04:00 New_York,20.5°C,5kW\n"
        "2024-06-15T00:15:00-04:00 New_York,20.75°C,NA\n",
        ("--ignore", "Power"),
        {"sat": at(20.5, 20.75), "kw": {}},
    ),
    "volttron": Case(
        "ts,topic,value\n2024-06-15 04:00:00.000000+00:00,HQ/AHU-1/Supply Temp,20.5\n"
        "2024-06-15 04:15:00.000000+00:00,HQ/AHU-1/Supply Temp,20.75\n",
        (),
        {"sat": at(20.5, 20.75)},
    ),
    "open_fdd": Case(
        "Date,sat (°C),fan\n2024-06-15 00:00:00,20.5,1\n2024-06-15 00:15:00,,0\n",
        (),
        {"sat": at(20.5), "fan": at(True, False)},
    ),
    "lbnl": Case(
        "Datetime,AHU: Supply Air Temperature,AHU: Supply Air Fan Status\n"
        "6/15/2024 0:00,20.5,1\n6/15/2024 0:15,20.75,0\n",
        ("--mapping", "{mapping}"),
        {"sat": at(205, 207.5), "fan": {}},
    ),
    "building_data_genome": Case(
        "timestamp,Panther_parking_Lorena,count\n"
        "2024-06-15 00:00:00,1.5,7\n2024-06-15 01:00:00,,8\n",
        ("--ignore", "*"),
        {"count": at(7, 8, minutes=60)},
    ),
    "enedis": Case(
        "Identifiant PRM;Type de donnees;Date de debut;Date de fin\n"
        "12345678901234;Courbe de charge;14/06/2024;16/06/2024\n"
        "Horodate;Valeur\n2024-06-15T00:30:00+02:00;1200\n2024-06-15T01:00:00+02:00;800\n",
        ("--point", "meter"),
        {"meter": {"2024-06-14T22:30:00": 1200, "2024-06-14T23:00:00": 800}},
    ),
    "ett": Case(
        "date,sat,rat\n2024-06-15 00:00:00,5.827000141143799,2.009000062942505\n"
        "2024-06-15 01:00:00,5.692999839782715,2.075999975204468\n",
        ("--tz", "UTC"),
        {"sat": at(5.827000141143799, 5.692999839782715, start=0, minutes=60)},
    ),
    "tmy3": Case(
        '724030,"DULLES",VA,-5.0,38.950,-77.450,98\n'
        "Date (MM/DD/YYYY),Time (HH:MM),Dry-bulb (C),Dry-bulb source\n"
        "01/02/1988,23:00,2.0,A\n01/02/1988,24:00,1.5,A\n01/03/1988,01:00,-1.0,A\n",
        ("--tz", "GMT+5", "--mapping", "{mapping}"),
        {
            "rat": {
                "1988-01-03T04:00:00": 2,
                "1988-01-03T05:00:00": 1.5,
                "1988-01-03T06:00:00": -1,
            }
        },
    ),
    "epoch_ms": Case(
        "epoch_ms|id|val\n1718424000000|@sat|20.5\n1718424900000|@sat|20.75\n",
        (),
        {"sat": at(20.5, 20.75)},
    ),
    "epoch_s": Case(
        "time,Supply Temp\n1718424000,20.5\n1718424900,nan\n", (), {"sat": at(20.5)}
    ),
    "excel_serials": Case(
        "Date,sat\n45458,20.5\n45458.010416666664,20.75\n", (), {"sat": at(20.5, 20.75)}
    ),
    "us_slashes_gz": Case(
        gzip.compress(b"Time,sat\n8/28/2007 0:00,1.5\n8/28/2007 0:15,2.5\n", mtime=0),
        (),
        {"sat": at(1.5, 2.5, day="2007-08-28T")},
        "a.csv.gz",
    ),
    "year_slashes": Case(
        "Time,sat\n2012/05/19 05:07:00,1.5\n", (), {"sat": {"2012-05-19T09:07:00": 1.5}}
    ),
    "utf16_tabs": Case(
        "Zeit\tSupply Temp\r\n15.06.2024 00:00\t20,5\r\n".encode("utf-16"),
        (),
        {"sat": at(20.5)},
        "a.tsv",
    ),
    "cp1252_carriage_returns": Case(
        "Zeit;Supply Temp (°C)\r15.06.2024 00:00;20,5\r15.06.2024 00:15;20,7\r".encode(
            "cp1252"
        ),
        (),
        {"sat": at(20.5, 20.7)},
    ),
    "data_frame": Case(
        ",time,sat\n0,2024-06-15 00:00:00-0400,20.5\n1,2024-06-15 00:15:00-0400,N/A\n",
        (),
        {"sat": at(20.5)},
    ),
    "influx_long": Case(
        "time,point,value,unit,quality\n"
        "2024-06-15T04:00:00Z,Power,5,kW,Good\n2024-06-15T04:15:00Z,Power,6,kW,Bad\n",
        (),
        {"kw": at(5)},
    ),
    "utc_in_header": Case(
        "Time (UTC),sat\n2024-06-15 04:00,20.5\n", (), {"sat": at(20.5)}
    ),
    "short_zone_in_header": Case(
        "Time (EDT),sat\n2024-06-15 00:00,20.5\n", (), {"sat": at(20.5)}
    ),
    "quoted_newline": Case(
        'Time,"Supply Temp","Text"\n2024-06-15 00:00,20.5,"a\nb"\n',
        (),
        {"sat": at(20.5), "text": at("a\nb")},
    ),
    "status_columns": Case(
        "Time,sat,sat Status,rat,rat Status\n"
        "2024-06-15 00:00,20.5,ok,21.5,fault\n2024-06-15 00:15,20.75,stale,22,ok\n",
        ("--status", "skip"),
        {"sat": at(20.5), "rat": at(None, 22)},
    ),
    "calm_and_words": Case(
        "Time,sat,count\n2024-06-15 00:00,Calm,-\n2024-06-15 00:15,-9999,5\n",
        ("--no-value=-9999",),
        {"sat": {}, "count": at(None, 5)},
    ),
    "without_header": Case(
        "2024-06-15 00:00;20,5\n2024-06-15 00:15;21,5\n",
        ("--point", "@sat"),
        {"sat": at(20.5, 21.5)},
    ),
    "date_before_the_header": Case(
        "Export\n2024-06-20\nTime,sat\n2024-06-15 00:00,20.5\n2024-06-15 00:15,21\n",
        (),
        {"sat": at(20.5, 21)},
    ),
    "more_totals_than_rows": Case(
        "Time,sat\n2024-06-15 00:00,20.5\n\nAverage,20.5\nMax,20.5\n(1 rows)\n",
        (),
        {"sat": at(20.5)},
    ),
    "date_only": Case(
        "Day;Date;Power\n;2024-06-15;5\n;2024-06-16;6\n",
        ("--ignore", "Day"),
        {"kw": {"2024-06-15T04:00:00": 5, "2024-06-16T04:00:00": 6}},
    ),
}

MAPPING = (
    "header,id,unit,factor\n"
    "AHU: Supply Air Temperature,@sat,°C,10\nAHU: Supply Air Fan Status,,,\n"
    "Dry-bulb (C),rat,deg C,\nDry-bulb source,,,\n"
)


@pytest.mark.parametrize("name", CASES)
def test_layout(
    name: str, load: Import, his: Callable[[str], dict[str, Any]], tmp_path: Any
) -> None:
    case = CASES[name]
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(MAPPING)
    args = [str(mapping) if arg == "{mapping}" else arg for arg in case.args]
    load(case.text, *args, name=case.name)
    assert {id: his(id) for id in case.samples} == case.samples
