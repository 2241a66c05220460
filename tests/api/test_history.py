"""``/api/history/``: columns in each format, arguments, rights, scopes and caps."""

from __future__ import annotations

import csv
import datetime as dt
import importlib
import io
import math
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest
from django.contrib.auth.models import Group

from haystack_app.kinds import MARKER, NA, Coord, DateTime, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.transfer.frames import arrow
from tests.api.conftest import Api, logged_in
from tests.api.test_tenants import tenant
from tests.storage.building import HOUR, at, entity, numbers, point

DAY = "2024-03-02"
START = at(f"{DAY} 00:00")
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"


def fill(store: StorageAdapter) -> None:
    """Points of each kind with an hour apart, and one with times of its own."""
    rows = [entity("a", site=MARKER), entity("b", site=MARKER)]
    rows += [
        point("t", dis="Temp", unit="°F", siteRef=Ref("a"), temp=MARKER),
        point("u", unit="kW", siteRef=Ref("a"), temp=MARKER),
        point("on", kind="Bool", siteRef=Ref("a")),
        point("s", kind="Str", siteRef=Ref("b")),
        point("c", kind="Coord", siteRef=Ref("b")),
        point("far", tz="Denver", siteRef=Ref("b")),
        point("none", siteRef=Ref("b")),
    ]
    store.load_entities(rows, replace=True)
    hours = [DateTime(START.utc + n * HOUR, START.tz) for n in range(6)]
    values: dict[str, list[Any]] = {
        "t": [*map(Number, (1, 2.5, 3)), NA, Number(math.nan), Number(math.inf)],
        "on": [True, False, NA, True, True, False],
        "s": ["a", "NA", NA, 'x,"y"', "=1+1", ""],
        "c": [Coord(37.5, -77.25), NA, *[Coord(1, 2)] * 4],
    }
    for id, own in values.items():
        store.his_write(id, list(zip(hours, own, strict=True)))
    half = dt.timedelta(minutes=30)
    store.his_write("u", numbers(6, START, half))


@pytest.fixture
def api(db: None) -> Api:
    fill(storages["default"])
    return Api(logged_in("alice", "viewer"))


def get(api: Api, accept: str | None = None, **params: Any) -> Any:
    answer = api.get("history/", accept, **{"range": DAY, **params})
    assert answer.status_code == 200, answer.content
    return answer


def body(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else answer.content


def reason(api: Api, accept: str | None = None, **params: Any) -> str:
    answer = api.get("history/", accept, **params)
    assert answer.status_code == 400, answer.content
    return str(answer.json()["dis"])


def table(answer: Any) -> pyarrow.Table:
    return pyarrow.ipc.open_stream(body(answer)).read_all()


def iso(hour: float) -> str:
    return DateTime(START.utc + hour * HOUR, START.tz).iso


# -- JSON --------------------------------------------------------------------------


def test_columns_of_two_points(api: Api) -> None:
    answer = get(api, filter="temp")
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    found = answer.json()
    assert found["ts"] == [iso(n / 2) for n in range(7)] + [iso(4), iso(5)]
    assert found["values"] == {
        "t": [1, None, 2.5, None, 3, None, None, None, None],
        "u": [0, 1, 2, 3, 4, 5, None, None, None],
    }
    assert found["columns"][0] == {
        "name": "t",
        "id": "t",
        "dis": "Temp",
        "kind": "Number",
        "unit": "°F",
        "tz": "New_York",
    }
    assert (found["hisStart"], found["hisEnd"]) == (iso(0), iso(24))
    assert found["tz"] == "New_York"


def test_kinds_in_json(api: Api) -> None:
    values = get(api, ids="on,@s,c").json()["values"]
    assert values["on"] == [True, False, None, True, True, False]
    assert values["s"] == ["a", "NA", None, 'x,"y"', "=1+1", ""]
    assert values["c"][:3] == ["C(37.5,-77.25)", None, "C(1,2)"]


def test_long_json_is_exact(api: Api) -> None:
    found = get(api, ids="t,on", shape="long").json()
    assert found["id"] == ["t"] * 6 + ["on"] * 6
    assert found["ts"] == [iso(n) for n in range(6)] * 2
    assert found["val"] == [1, 2.5, 3, None, None, None, 1, 0, None, 1, 1, 0]
    assert found["text"][:6] == [None, None, None, None, "NaN", "INF"]


def test_roll_ups(api: Api) -> None:
    found = get(api, filter="temp", rollup="max", interval="3hr").json()
    assert found["ts"] == [iso(0), iso(3)]
    assert found["values"] == {"t": [3, None], "u": [5, None]}
    assert (found["rollup"], found["interval"]) == ("max", "3hr")
    several = get(api, ids="u", rollup="min,count", interval="1day").json()
    assert several["values"] == {"u min": [0], "u count": [6]}
    units = [column["unit"] for column in several["columns"]]
    assert units == ["kW", None]
    long = get(api, ids="u", rollup="min,count", interval="1day", shape="long").json()
    assert (long["fold"], long["val"]) == (["min", "count"], [0, 6])


def test_fewer_samples(api: Api) -> None:
    found = get(api, ids="u", maxPoints=4).json()
    assert len(found["ts"]) <= 5
    assert found["values"]["u"][0] == 0


def test_a_point_without_samples_is_a_column(api: Api) -> None:
    found = get(api, ids="none").json()
    assert (found["ts"], found["values"]) == ([], {"none": []})
    assert table(get(api, ARROW, ids="none")).num_rows == 0
    parquet = io.BytesIO(body(get(api, PARQUET, ids="none")))
    assert pyarrow.parquet.read_table(parquet).num_rows == 0


# -- CSV ---------------------------------------------------------------------------


def cells(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body(answer).decode())))


def test_wide_csv(api: Api) -> None:
    answer = get(api, "text/csv", filter="temp")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="history.csv"'
    rows = cells(answer)
    assert rows[:3] == [
        ["ts", "t (°F)", "u (kW)"],
        [iso(0), "1", "0"],
        [iso(0.5), "", "1"],
    ]
    assert rows[-3:] == [[iso(3), "NA", ""], [iso(4), "NaN", ""], [iso(5), "INF", ""]]


def test_long_csv(api: Api) -> None:
    rows = cells(get(api, format="csv", shape="long", ids="t,s"))
    assert rows[:2] == [["ts", "id", "val", "unit"], [iso(0), "t", "1", "°F"]]
    assert [row[2] for row in rows[7:]] == ["a", "NA", "NA", 'x,"y"', "=1+1", ""]


def test_a_download_is_safe_for_spreadsheets(api: Api) -> None:
    answer = get(api, download="plant.csv", ids="s")
    assert answer["Content-Disposition"] == 'attachment; filename="plant.csv"'
    text = body(answer).decode()
    assert text.startswith("\ufeff")
    assert "'=1+1" in text


def test_ids_that_look_like_something_else(api: Api) -> None:
    store = storages["default"]
    store.load_entities([point("ts"), point("-2"), point("12")])
    for id in ("ts", "-2", "12"):
        store.his_write(id, numbers(1, START))
    found = get(api, ids="ts,-2,12").json()
    assert found["values"] == {"@ts": [0], "-2": [0], "12": [0]}
    assert table(get(api, ARROW, ids="ts,12", shape="wide")).column_names == [
        *("ts", "@ts", "12")
    ]
    text = body(get(api, download="a.csv", ids="-2", shape="long")).decode()
    assert ""","'-2",0,""" in text
    assert cells(get(api, format="csv", ids="-2"))[0] == ["ts", "-2"]


def test_streams_in_pieces(api: Api) -> None:
    storages["default"].his_write("none", numbers(60_000, at("2020-01-01 00:00")))
    for accept in ("text/csv", ARROW):
        answer = get(api, accept, ids="none", range="2020-01-01,2027-01-01")
        assert answer.streaming
        pieces = list(answer)
        assert len(pieces) > 1
    assert table(get(api, ARROW, ids="none", range="2020-01-01,2027-01-01")).num_rows


# -- Arrow and Parquet ---------------------------------------------------------------


def test_an_arrow_stream(api: Api) -> None:
    answer = get(api, ARROW, filter="temp")
    assert answer["Content-Type"] == ARROW
    assert answer["Content-Disposition"] == 'attachment; filename="history.arrow"'
    found = table(answer)
    assert found.column_names == ["id", "ts", "val", "text", "unit"]
    assert found.schema.field("ts").type == pyarrow.timestamp("us", "America/New_York")
    rows = found.to_pylist()
    assert [row["id"] for row in rows] == ["t"] * 6 + ["u"] * 6
    assert rows[0]["ts"].isoformat() == iso(0)
    assert [row["val"] for row in rows[:4]] == [1, 2.5, 3, None]
    assert (math.isnan(rows[4]["val"]), rows[5]["val"]) == (True, math.inf)
    assert (rows[0]["unit"], rows[6]["unit"]) == ("°F", "kW")
    assert b'"name":"t"' in found.schema.metadata[arrow.ARROW_SCHEMA_KEY]


def test_wide_arrow(api: Api) -> None:
    found = table(get(api, ARROW, shape="wide", ids="t,u,on,s,c"))
    assert found.column_names == ["ts", "t", "u", "on", "s", "c"]
    assert [str(field.type) for field in found.schema][1:] == [
        *("double", "double", "bool", "string", "string")
    ]
    [first, second, *_] = found.to_pylist()
    own = {"t": 1, "u": 0, "on": True, "s": "a", "c": "C(37.5,-77.25)"}
    assert {name: first[name] for name in own} == own
    assert (second["t"], second["u"]) == (None, 1)
    assert found.schema.field("t").metadata[b"unit"] == "°F".encode()


def test_texts_in_long_arrow(api: Api) -> None:
    rows = table(get(api, ARROW, ids="on,s,c")).to_pylist()
    pairs = [(row["val"], row["text"]) for row in rows]
    assert pairs[:3] == [(1, None), (0, None), (None, None)]
    assert pairs[6:9] == [(None, "a"), (None, "NA"), (None, None)]
    assert pairs[12] == (None, "C(37.5,-77.25)")


def test_roll_ups_in_arrow(api: Api) -> None:
    arguments = {"rollup": "max,last", "interval": "1day"}
    found = table(get(api, ARROW, ids="u", **arguments)).to_pylist()
    assert [(row["fold"], row["val"]) for row in found] == [("max", 5), ("last", 5)]
    wide = table(
        get(api, ARROW, ids="u,on", shape="wide", rollup="last", interval="1day")
    )
    assert wide.to_pylist()[0]["on"] is False


@pytest.mark.parametrize("shape", ["wide", "long"])
def test_others_read_what_we_write(api: Api, shape: str, tmp_path: Path) -> None:
    arguments = {"filter": "temp", "shape": shape}
    column = "u" if shape == "wide" else "val"
    total = 15.0

    stream, parquet, text = (tmp_path / f"h.{it}" for it in ("arrow", "parquet", "csv"))
    stream.write_bytes(body(get(api, ARROW, **arguments)))
    parquet.write_bytes(body(get(api, PARQUET, **arguments)))
    text.write_bytes(body(get(api, "text/csv", **arguments)))

    def own(frame: pandas.DataFrame) -> pandas.DataFrame:
        return frame if shape == "wide" else frame[frame["id"] == "u"]

    by_pandas = pandas.read_parquet(parquet)
    assert own(by_pandas)[column].sum() == total
    assert str(by_pandas["ts"].dt.tz) == "America/New_York"
    header = "u (kW)" if shape == "wide" else "val"
    from_csv = own(pandas.read_csv(text, parse_dates=["ts"]))
    assert pandas.to_numeric(from_csv[header]).sum() == total

    where = True if shape == "wide" else polars.col("id").cast(str) == "u"
    for frame in (polars.read_parquet(parquet), polars.read_ipc_stream(stream)):
        assert frame.filter(where)[column].sum() == total
        assert frame["ts"].dtype == polars.Datetime("us", "America/New_York")

    condition = "true" if shape == "wide" else "id = 'u'"
    query = f'SELECT sum("{column}") FROM "{parquet}" WHERE {condition}'
    assert duckdb.sql(query).fetchall() == [(total,)]
    held = pyarrow.ipc.open_stream(stream.read_bytes()).read_all()
    assert held.num_rows == len(by_pandas)
    assert duckdb.sql(
        f'SELECT sum("{column}") FROM held WHERE {condition}'
    ).fetchall() == [(total,)]


def test_row_groups_of_parquet(api: Api) -> None:
    storages["default"].his_write("none", numbers(150_000, at("1990-01-01 00:00")))
    answer = get(api, PARQUET, ids="none", range="1990-01-01,2027-01-01")
    file = pyarrow.parquet.ParquetFile(io.BytesIO(body(answer)))
    assert file.metadata.num_rows == 150_000
    assert file.metadata.num_row_groups == 2


# -- negotiation ---------------------------------------------------------------------


def test_without_pyarrow(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        importlib.import_module("haystack_app.api.history"),
        "is_installed",
        lambda: False,
    )
    for accept, more in ((ARROW, {}), (None, {"format": "parquet"}), (PARQUET, {})):
        answer = api.get("history/", accept, ids="t", range=DAY, **more)
        assert answer.status_code == 406
        assert "install haystack-server[arrow]" in answer.json()["dis"]
    assert get(api, f"{ARROW}, application/json;q=0.5", ids="t").json()["ts"]


def test_the_extra_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert arrow.is_installed()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert not arrow.is_installed()


def test_unsupported_types(api: Api) -> None:
    assert api.get("history/", "image/png", ids="t", range=DAY).status_code == 406


# -- refused requests ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"range": DAY}, "give ids or filter"),
        ({"ids": "t", "filter": "temp", "range": DAY}, "not both of them"),
        ({"ids": "t"}, "missing range"),
        ({"ids": "t", "range": "lastWeek"}, "invalid history range"),
        ({"ids": "t!", "range": DAY}, "ids: "),
        ({"filter": "temp and", "range": DAY}, "filter is cut short"),
        ({"filter": "site", "range": DAY}, "@a has no history"),
        ({"filter": "never", "range": DAY}, "filter matches no entities"),
        ({"ids": "t,far", "range": DAY}, "missing tz: the points have several"),
        ({"ids": "t", "range": DAY, "tz": "Nowhere"}, "unknown time zone 'Nowhere'"),
        ({"ids": "t", "range": DAY, "shape": "tall"}, "shape must be wide or long"),
        (
            {"ids": "t", "range": DAY, "format": "xls"},
            "format must be one of json, csv",
        ),
        ({"ids": "t", "range": DAY, "download": "x.exe"}, "ends in .json, .csv"),
        ({"ids": "t", "range": DAY, "intervall": "1day"}, "unknown parameter"),
        ({"ids": "t", "range": DAY, "rollup": "mean", "interval": "1hr"}, 'not "mean"'),
        ({"ids": "t", "range": DAY, "rollup": "avg", "interval": "7min"}, "7min"),
        (
            {"ids": "s", "range": DAY, "rollup": "avg", "interval": "1hr"},
            "@s: rollup avg",
        ),
        ({"ids": "t", "range": DAY, "maxPoints": "0"}, "maxPoints"),
    ],
)
def test_refused_requests(api: Api, params: dict[str, str], why: str) -> None:
    assert why in reason(api, **params)


def test_unknown_points(api: Api) -> None:
    answer = api.get("history/", ids="t,missing", range=DAY)
    assert answer.status_code == 404
    assert "@missing" in answer.json()["dis"]


def test_json_has_a_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("haystack_app.transfer.frames.json_text")
    monkeypatch.setattr(module, "MOST_VALUES", 5)
    for shape in ("wide", "long"):
        why = reason(api, ids="t", range=DAY, shape=shape)
        assert why.startswith("more than 5 values in JSON")


def test_it_is_only_read(api: Api) -> None:
    assert api.client.post("/api/history/", {}).status_code == 405
    assert api.client.head("/api/history/?ids=t&range=today").status_code == 200


# -- rights, scopes, caps --------------------------------------------------------------


def test_the_permission_is_that_of_reading(api: Api) -> None:
    plain = Api(logged_in("plain", ""))
    assert plain.get("history/", ids="t", range=DAY).status_code == 403
    api.client.logout()
    assert api.get("history/", ids="t", range=DAY).status_code == 401


@pytest.mark.parametrize("format", ["json", "csv", "arrow", "parquet"])
def test_other_tenants_are_hidden(api: Api, format: str) -> None:
    group = Group.objects.create(name="b")
    GroupScope.objects.create(group=group, filter="siteRef == @b")
    dora = tenant("dora", "b")
    hidden = dora.get("history/", ids="s,t", range=DAY, format=format)
    assert hidden.status_code == 404
    assert "@t" in hidden.json()["dis"]
    assert "matches no" in reason(dora, filter="temp", range=DAY, format=format)
    assert b"-77.25" in body(
        get(dora, filter='kind == "Coord"', shape="long", format="csv")
    )


def test_every_project(api: Api, memory: StorageAdapter) -> None:
    fill(memory)
    memory.his_write("none", numbers(3, START))
    other = Api(api.client, "memory")
    assert get(other, ids="none").json()["values"] == {"none": [0, 1, 2]}


def test_the_cap_on_ids(api: Api, settings: Any) -> None:
    limits = {**settings.HAYSTACK.get("LIMITS", {}), "IDS": 1}
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": limits}
    assert "at most 1 (cap IDS)" in reason(api, ids="t,u", range=DAY)
    assert "(cap IDS)" in reason(api, filter="temp", range=DAY)


# -- every store -----------------------------------------------------------------------


def test_frames_are_the_samples(store: StorageAdapter) -> None:
    from haystack_app.ops import Context
    from haystack_app.ops.frames import history_frame

    fill(store)
    ids = ["t", "u", "on", "s", "c"]
    frame = history_frame(Context(store), {"range": dt.date(2024, 3, 2)}, ids)
    found: dict[str, list[Any]] = {id: [] for id in ids}
    for place, chunk in frame.runs():
        unit = frame.columns[place].unit
        found[ids[place]] += zip(chunk.times, chunk.values(unit), strict=True)
    for id in ids:
        held = list(store.his_read(id).pairs())
        assert [time for time, _ in found[id]] == [time for time, _ in held]
        assert str(found[id]) == str(held)
    wide = pyarrow.ipc.open_stream(
        b"".join(arrow.arrow_chunks(frame, long=False))
    ).read_all()
    times = {time for id in ids for time, _ in found[id]}
    assert wide.num_rows == len(times)
    assert wide["u"].drop_null().to_pylist() == [0, 1, 2, 3, 4, 5]
