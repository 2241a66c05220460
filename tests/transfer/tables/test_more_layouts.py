"""More files as systems of many makers export them, with invented numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.base import CommandError

from .conftest import Import
from .test_layouts import Case, at

INFLUX = (
    "#group,false,false,true,true,false,false,true,true\n"
    "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,"
    "string,string\n#default,_result,,,,,,,\n"
    ",result,table,_start,_stop,_time,_value,_field,_measurement\n"
    ",,0,2024-06-15T00:00:00Z,2024-06-16T00:00:00Z,2024-06-15T04:00:00Z,20.5,"
    "Supply Temp,ahu\n"
    ",,0,2024-06-15T00:00:00Z,2024-06-16T00:00:00Z,2024-06-15T04:15:00Z,20.75,"
    "Supply Temp,ahu\n\n"
)
CASES = {
    "niagara_slot_paths": Case(
        "Timestamp,/Drivers/BacnetNetwork/AHU-1/points/Supply$20Temp (°C),"
        "/Drivers/BacnetNetwork/AHU-1/points/Fan\n"
        "15-Jun-24 12:00:00 AM EDT,20.5,true\n15-Jun-24 12:15:00 AM EDT,20.75,false\n",
        (),
        {"sat": at(20.5, 20.75), "fan": at(True, False)},
    ),
    "niagara_quoted_levels": Case(
        '\ufeff"Timestamp","slot:/Drivers/AHU-1/points/Supply Temp"\n'
        '"15-Jun-24 12:00:00 AM EDT","20.5 °C {ok} @ def"\n'
        '"15-Jun-24 12:15:00 AM EDT","21.0 °C {overridden} @ 8"\n'
        '"15-Jun-24 12:30:00 AM EDT","0.0 °C {down,stale} @ def"\n',
        (),
        {"sat": at(20.5, 21)},
    ),
    "niagara_reliability": Case(
        "TimeStamp\tPointName\tPointValue\tUnit\tReliability\n"
        "2024-06-15 00:00:00.000\tSupply Temp\t20.5\t°C\tno-fault-detected\n"
        "2024-06-15 00:15:00.000\tSupply Temp\t99.9\t°C\topen-loop\n",
        (),
        {"sat": at(20.5)},
        "a.txt",
    ),
    "metasys_two_names": Case(
        '"Date / Time","Name Path Reference","Object Name","Object Value"\n'
        '"6/15/2024 12:00:00 AM EDT","Site:NAE-1/FC-1.AHU-1.Supply Temp","Supply Temp"'
        ',"20.5 deg C"\n',
        (),
        {"sat": at(20.5)},
    ),
    "desigo_viewer": Case(
        "Trend Viewer;;\nExport;20.06.2024;\n20.06.2024 10:00;;\nPoint_1:;Supply Temp;\n"
        "Point_2:;Power;\nDatum;Point_1;Point_2\n15.06.24 00:00;20,5;1.500,25\n"
        "15.06.24 00:15;20,75;#N/A\n",
        (),
        {"sat": at(20.5, 20.75), "kw": at(1500.25)},
    ),
    "energyplus": Case(
        "Date/Time,Supply Temp [C](Hourly),Power [W](Hourly)\n"
        " 01/13  01:00:00,20.5,1500\n 01/13  24:00:00,21.5,2500\n",
        ("--year", "2023", "--convert"),
        {
            "sat": {"2023-01-13T06:00:00": 20.5, "2023-01-14T05:00:00": 21.5},
            "kw": {"2023-01-13T06:00:00": 1.5, "2023-01-14T05:00:00": 2.5},
        },
    ),
    "acquisuite": Case(
        "time(UTC),error,lowalarm,highalarm,Supply Temp,Power (kW)\n"
        "'2024-06-15 04:00:00',0,0,0,20.5,12.3\n'2024-06-15 04:15:00',139,0,0,,\n",
        ("--ignore", "error", "--ignore", "lowalarm", "--ignore", "highalarm"),
        {"sat": at(20.5), "kw": at(12.3)},
    ),
    "loytec_log_index": Case(
        "#log index;date/time;Supply Temp\n1;2024/06/15 00:00:00;20.50\n"
        "2;2024/06/15 00:15:00;20.75\n",
        (),
        {"sat": at(20.5, 20.75)},
    ),
    "influx_annotated": Case(
        INFLUX + INFLUX.replace("Supply Temp", "Power").replace(",,0,", ",,1,"),
        (),
        {"sat": at(20.5, 20.75), "kw": at(20.5, 20.75)},
    ),
    "influx_command_line": Case(
        "name,time,value\nSupply Temp,1718424000000000000,20.5\n"
        "Supply Temp,1718424900000000000,20.75\n",
        (),
        {"sat": at(20.5, 20.75)},
    ),
    "grafana_columns": Case(
        '"Time","Supply Temp","Power"\n2024-06-15 00:00:00,20.5 °C,5 kW\n'
        "2024-06-15 00:15:00,,6 kW\n",
        (),
        {"sat": at(20.5), "kw": at(5, 6)},
    ),
    "grafana_series": Case(
        'sep=;\n"Series";"Time";"Value"\n'
        '"Supply Temp";"2024-06-15T00:00:00-04:00";"20.5"\n'
        '"Power";"2024-06-15T00:00:00-04:00";"null"\n',
        (),
        {"sat": at(20.5), "kw": {}},
    ),
    "home_assistant": Case(
        "entity_id,state,last_changed\nSupply Temp,20.5,2024-06-15T04:00:00.000Z\n"
        "Supply Temp,unavailable,2024-06-15T04:15:00.000Z\n"
        "Fan,on,2024-06-15T04:15:00.000Z\nFan,unknown,2024-06-15T04:30:00.000Z\n",
        (),
        {"sat": at(20.5), "fan": at(None, True)},
    ),
    "modbus_logger": Case(
        "Datum;Zeit;Supply Temp;Power\n05.06.24;00:00:00;20,5;5\n"
        "15.06.24;00:15:00;20,75;6\n",
        (),
        {"sat": {"2024-06-05T04:00:00": 20.5, "2024-06-15T04:15:00": 20.75}},
    ),
    "egauge": Case(
        '"Date & Time","Power [kW]"\n1718424900,5.25\n1718424000,5.125\n',
        (),
        {"kw": at(5.125, 5.25)},
    ),
    "pvoutput": Case(
        "Date,Time,Energy,Power\n15/06/24,12:00AM,100,5\n15/06/24,12:15AM,110,6\n",
        ("--ignore", "Energy"),
        {"kw": at(5, 6)},
    ),
    "green_button": Case(
        "Name,ACME\nAddress,1 Main St\nService,Service 1\n\n"
        "TYPE,DATE,START TIME,END TIME,USAGE,UNITS,COST\n"
        "Electric usage,2024-06-15,00:00,00:14,0.25,kWh,$0.05\n"
        "Electric usage,2024-06-15,00:15,00:29,0.50,kWh,$0.06\n",
        (
            *("--point", "meter", "--time", "DATE", "--time", "START TIME"),
            *("--ignore", "TYPE", "--ignore", "COST", "--stamps", "start"),
        ),
        {"meter": {"2024-06-14T22:15:00": 0.25, "2024-06-14T22:30:00": 0.5}},
    ),
    "ecostruxure_paths": Case(
        "\ufeffDate;Time;/Server 1/AHU-1/Supply Temp;/Server 1/AHU-1/Fan\n"
        "15.06.2024;00:00:00;20,50;1\n15.06.2024;00:15:00;20,75;0\n",
        (),
        {"sat": at(20.5, 20.75), "fan": at(True, False)},
    ),
    "ecostruxure_list": Case(
        "Timestamp,Source,Value\n2024-06-15 00:00:00.000,/Server 1/AHU-1/kW,20.5\n",
        (),
        {"kw": at(20.5)},
    ),
    "webctrl": Case(
        "Time,Supply Temp,Fan\n06/15/2024 12:00:00 AM,20.5,1\n"
        "06/15/2024 12:15:00 AM,?,0\n",
        (),
        {"sat": at(20.5), "fan": at(True, False)},
    ),
    "pi_states": Case(
        "Time,Supply Temp,Fan\n15-Jun-24 00:00:00,20.5,ON\n"
        "15-Jun-24 00:15:00,I/O Timeout,OFF\n15-Jun-24 00:30:00,No Data,Bad\n",
        (),
        {"sat": at(20.5), "fan": at(True, False)},
    ),
    "trane": Case(
        '"Trend Log","AHU"\n"Date/Time","Point","Value","Units","Status"\n'
        '"6/15/2024 12:00:00 AM","Supply Temp","20.5","degrees-celsius","Normal"\n',
        (),
        {"sat": at(20.5)},
    ),
    "hobo": Case(
        '\ufeff"Plot Title: ahu"\n"#","Date Time, GMT-04:00","Supply Temp, °C (LGR S/N:'
        ' 1, SEN S/N: 1)","Host Connected"\n1,06/15/24 12:00:00 AM,20.5,\n'
        "2,06/15/24 12:15:00 AM,20.75,Logged\n",
        ("--ignore", "Host Connected"),
        {"sat": at(20.5, 20.75)},
    ),
    "campbell": Case(
        '"TOA5","CR1000","CR1000","1","os","prog","1","Table"\n'
        '"TIMESTAMP","RECORD","Supply Temp","Power"\n"TS","RN","Deg C","kW"\n'
        '"","","Avg","Smp"\n"2024-06-15 00:00:00",0,20.5,"NAN"\n'
        '"2024-06-15 00:15:00",1,20.75,5\n',
        (),
        {"sat": at(20.5, 20.75), "kw": at(None, 5)},
    ),
    "weather_in_parts": Case(
        "Year,Month,Day,Hour,Minute,Supply Temp\n2024,6,15,0,0,20.5\n"
        "2024,6,15,0,15,20.75\n",
        (),
        {"sat": at(20.5, 20.75)},
    ),
    "market_hours": Case(
        "Date,Hour Ending,Power\n06/14/2024,24,5\n06/15/2024,1,6\n",
        (),
        {"kw": at(5, 6, minutes=60)},
    ),
    "clocks_without_colon": Case(
        "Date,Time,Power\n06/15/2024,0000,5\n06/15/2024,0015,6\n",
        (),
        {"kw": at(5, 6)},
    ),
    "groups_of_columns": Case(
        "Time;AHU-1;;Other\n;Supply Temp;Fan;Power\n15.06.2024 00:00;20,5;1;1,5\n",
        (),
        {"sat": at(20.5), "fan": at(True), "kw": at(1.5)},
    ),
    "units_beside": Case(
        "Time,Supply Temp,Units,Power,Units\n2024-06-15 00:00,20.5,°C,5,KW\n",
        (),
        {"sat": at(20.5), "kw": at(5)},
    ),
    "joined_files": Case(
        "Time, sat\n2024-06-15 00:00:00,20.5\nTime, sat\n2024-06-15 00:15:00,21\n",
        (),
        {"sat": at(20.5, 21)},
    ),
    "database_rows": Case(
        "id,ts,value\n7,2024-06-15 00:00:00,20.5\n8,2024-06-15 00:15:00,21\n",
        ("--point", "sat"),
        {"sat": at(20.5, 21)},
    ),
    "java_dates": Case(
        "Time,sat\nSat Jun 15 00:00:00 EDT 2024,20.5\nSat Jun 15 00:15:00 EDT 2024,21\n",
        (),
        {"sat": at(20.5, 21)},
    ),
    "metasys_paths_of_logs": Case(
        '"Date / Time","Object Reference","Value","Reliability"\n'
        '"6/15/2024 12:00:00 AM","NAE01:NAE01/FC-1.AHU-1.Supply Temp.Trend1","20.5",'
        '"Reliable"\n'
        '"6/15/2024 12:15:00 AM","NAE01:NAE01/FC-1.AHU-1.Supply Temp.Present Value",'
        '"99","Communications Failure"\n',
        (),
        {"sat": at(20.5)},
    ),
    "metasys_two_headers": Case(
        ",NAE01:NAE01/FC-1.AHU-1.Supply Temp,NAE01:NAE01/FC-1.AHU-1.kW\n"
        "Date/Time,Present Value (deg C),Present Value (W)\n"
        "6/15/2024 12:00:00 AM,20.5,1500\n6/15/2024 12:15:00 AM,20.75,\n",
        ("--convert",),
        {"sat": at(20.5, 20.75), "kw": at(1.5)},
    ),
    "niagara_bql": Case(
        "timestamp,trendFlags,status,value,historyId\n"
        "2024-06-15T00:00:00.000-04:00,{},{ok},20.5,Supply Temp\n"
        "2024-06-15T00:15:00.000-04:00,{},{ok},true,Fan\n",
        (),
        {"sat": at(20.5), "fan": at(None, True)},
    ),
    "skyspark_view": Case(
        "Timestamp,Supply Temp,Fan\n15-Jun-2024 Sat 12:00:00AM EDT,20.5°C,On\n"
        "15-Jun-2024 Sat 12:15:00AM EDT,20.75°C,Off\n",
        (),
        {"sat": at(20.5, 20.75), "fan": at(True, False)},
    ),
    "volttron_strings": Case(
        "ts,topic,value_string\n2024-06-15 04:00:00.002345,hq/AHU-1/Supply Temp,20.5\n",
        ("--tz", "UTC"),
        {"sat": {"2024-06-15T04:00:00": 20.5}},
    ),
    "ebi_parameters": Case(
        "Date,Time,Point,Parameter,Value\n15-Jun-24,00:00:00,AHU 1,Supply Temp,20.5\n",
        (),
        {"sat": at(20.5)},
    ),
    "aveva_quality": Case(
        "DateTime,TagName,Value,QualityDetail\n"
        "2024-06-15 00:00:00.0000000,Supply Temp,20.5,192\n"
        "2024-06-15 00:15:00.0000000,Supply Temp,(null),24\n",
        (),
        {"sat": at(20.5)},
    ),
    "meter_portal_of_spain": Case(
        "cups;fecha;hora;consumo_kWh;metodoObtencion\n"
        "Meter;2024/06/15;1;0,345;Real\nMeter;2024/06/15;24;0,3;Estimado\n",
        (),
        {"meter": {"2024-06-14T23:00:00": 0.345, "2024-06-15T22:00:00": 0.3}},
    ),
    "types_among_units": Case(
        "Time,sat,kw,fan\nTIMESTAMP,REAL,kW,On/Off\n2024-06-15 00:00,20.5,1,On\n",
        (),
        {"sat": at(20.5), "kw": at(1), "fan": at(True)},
    ),
    "points_in_times": Case(
        "Data/Ora;sat\n15/06/2024 00.00.00;20,5\n15/06/2024 00.15;20,75\n",
        (),
        {"sat": at(20.5, 20.75)},
    ),
    "halves_in_a_column": Case(
        "Day,Date,Time,AM/PM,sat\nSaturday,6/15/2024,12:00:00,AM,20.5\n"
        "Saturday,6/15/2024,1:00:00,PM,20.75\n",
        (),
        {"sat": {"2024-06-15T04:00:00": 20.5, "2024-06-15T17:00:00": 20.75}},
    ),
    "minutes_in_one_number": Case(
        "Time,sat\n202406150000,20.5\n202406150015,20.75\n",
        (),
        {"sat": at(20.5, 20.75)},
    ),
    "milliseconds_after_colons": Case(
        "Time,sat\n15/06/2024 00:15:00:123,20.5\n",
        (),
        {"sat": at(None, 20.5)},
    ),
    "hours_without_minutes": Case(
        "Date,sat\n6/15/2024 12 AM,20.5\n6/15/2024 1 a.m.,20.75\n",
        (),
        {"sat": at(20.5, None, None, None, 20.75)},
    ),
    "spanish_months": Case(
        "Fecha;sat\n15-ene-2024 00:00;20,5\n15-dic-2024 00:00;20,75\n",
        (),
        {"sat": {"2024-01-15T05:00:00": 20.5, "2024-12-15T05:00:00": 20.75}},
    ),
    "spanish_halves": Case(
        "Hora;sat\n15/06/2024 12:00:00 a. m.;20,5\n15/06/2024 12:15:00 a. m.;21\n",
        ("--time", "Hora"),
        {"sat": at(20.5, 21)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_layout(name: str, load: Import, his: Callable[[str], dict[str, Any]]) -> None:
    case = CASES[name]
    load(case.text, *case.args, name=case.name)
    assert {id: his(id) for id in case.samples} == case.samples


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Date/Time,sat\n01/15 01:00,1\n", '"01/15 01:00": give it with --year'),
        ("Time,/Net/AHU-9/Fan\n2024-06-15,1\n", "no point with the id, dis or path"),
        ("Zeit;sat\n24.06.15;1\n24.06.16;2\n24.06.17;3\n", "--dates dmy or --dates ymd"),
        ("Time,sat\n15-06-24 00:00,1\n", "--dates dmy or --dates ymd"),
        (
            "DATE,START TIME,END TIME,sat\n2024-06-15,00:00,00:14,1\n",
            "a date and its time of day with --time twice",
        ),
        ("Time,sat,Units\n" + "2024-06-15,1,°C\n" * 500 + "2024-06-15,1,K\n", "line 502"),
        ("200,6305\n300,20240615,1.0,2.0,20240616\n", "several columns have times"),
        ("a,b\n1,2,2024-06-15 00:00\n", "has 2 cells, and the times are in cell 3"),
        (INFLUX + INFLUX.replace("_measurement", "host"), "a table with other columns"),
    ],
)  # fmt: skip
def test_refused(text: str, message: str, load: Import) -> None:
    with pytest.raises(CommandError, match=message):
        load(text)


def test_two_equips_with_equal_headers(
    load: Import, his: Callable[[str], dict[str, Any]], two_ahus: None
) -> None:
    """The row above tells them apart; a header alone would be ambiguous."""
    load("Time,AHU-1,AHU-2\n,Supply Temp,Supply Temp\n2024-06-15 00:00,1,2\n")
    assert (list(his("sat").values()), list(his("sat2").values())) == ([1], [2])
    with pytest.raises(CommandError, match="names 2 points, @sat, @sat2"):
        load("Time,Supply Temp\n2024-06-15 00:00,1\n")
