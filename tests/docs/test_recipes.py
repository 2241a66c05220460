"""docs/recipes.md: its code runs as it is written, and finds what is stored."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from haystack_app.kinds import MARKER, NA, DateTime, Number, Ref
from haystack_app.models import Token
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.conftest import PASSWORD, scram_passwords, served, user
from tests.storage.building import at, entity, point

__all__ = ["scram_passwords"]

TEXT = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text("utf-8")
START = at("2024-03-09 00:00")  # the next day has 23 hours
STEPS = 4 * 24 * 3
ZONE = ZoneInfo("America/New_York")


def blocks() -> list[tuple[str, str]]:
    """Heading and code, in the order of the page."""
    found = []
    for section in TEXT.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
            found.append((title, code))
    return found


def fill(store: StorageAdapter) -> None:
    temp = dict.fromkeys(("temp", "sensor"), MARKER)
    store.load_entities(
        [
            entity("hq", site=MARKER),
            point("t1", unit="°C", dis="One", curVal=Number(20, "°C"), **temp),
            point("t2", unit="°C", dis="Two", curVal=Number(25, "°C"), **temp),
            point("kw", unit="kW", elec=MARKER, power=MARKER),
        ],
        replace=True,
    )
    quarter = dt.timedelta(minutes=15)
    times = [DateTime(START.utc + n * quarter, START.tz) for n in range(STEPS)]
    for id, base in (("t1", 20), ("t2", 30), ("kw", 5)):
        unit = "kW" if id == "kw" else "°C"
        values = [Number(base + n % 4, unit) for n in range(STEPS)]
        store.his_write(id, list(zip(times, values, strict=True)))
    store.his_write("t2", [(times[0], NA)])


@pytest.fixture
def names(
    transactional_db: None,
    scram_passwords: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, Any]]:
    """What the page defines, from its first block to its last one."""
    fill(storages["default"])
    alice = user("alice")
    monkeypatch.chdir(tmp_path)
    call_command(
        "haystack_export",
        "backup",
        range="2024-01-01,2024-12-31",
        stdout=io.StringIO(),
        stderr=io.StringIO(),
    )
    with served() as port:
        monkeypatch.setenv("HAYSTACK_SERVER", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("HAYSTACK_TOKEN", token_of(alice, Token.READ))
        monkeypatch.setenv("HAYSTACK_URI", f"http://127.0.0.1:{port}/api")
        monkeypatch.setenv("HAYSTACK_USER", "alice")
        monkeypatch.setenv("HAYSTACK_PASSWORD", PASSWORD)
        found: dict[str, Any] = {}
        for title, code in blocks():
            exec(compile(code, f"docs/recipes.md, {title}", "exec"), found)
            if title == "DuckDB" and "march" in code:
                found["months"] = found["march"]  # another recipe has the same name
        yield found


def test_every_section_has_code() -> None:
    titles = {title for title, _ in blocks()}
    assert titles == {"Asking", "pandas", "polars", "DuckDB", "phable"}


def test_the_recipes(names: dict[str, Any]) -> None:
    check_pandas(names)
    check_polars(names)
    check_duckdb(names)
    check_phable(names)


def check_pandas(names: dict[str, Any]) -> None:
    frame = names["frame"]
    assert list(frame.columns) == ["t1", "t2"]
    assert len(frame) == STEPS
    assert str(frame.index.tz) == "America/New_York"
    assert frame["t1"].iloc[:5].tolist() == [20, 21, 22, 23, 20]
    assert frame["t2"].isna().sum() == 1
    hourly = names["hourly"]["t1"].dropna()
    assert len(hourly) == STEPS / 4
    assert set(hourly) == {21.5}
    daily = names["daily"]
    # three days of quarters, one of 23 hours: the last hour is of a fourth day
    assert [str(day.date()) for day in daily.index] == [
        *("2024-03-09", "2024-03-10", "2024-03-11", "2024-03-12")
    ]
    assert set(daily["t1"]) == {21.5}
    power = names["power"]
    assert list(power.columns) == ["kw (kW)"]
    assert power["kw (kW)"].sum() == 6.5 * STEPS
    assert power.index[0] == dt.datetime(2024, 3, 9, tzinfo=ZONE)
    assert names["by_unit"].to_dict() == {"kW": 1, "°C": 2}


def check_polars(names: dict[str, Any]) -> None:
    samples = names["samples"]
    assert samples.height == 2 * STEPS
    assert samples["val"].null_count() == 1
    means = names["means"]
    assert means.height == 8
    assert means["samples"].sum() == 2 * STEPS
    spread = names["spread"]
    assert spread.columns == ["ts", "t1", "t2"]
    assert set(spread["t1"]) == {21.5}


def check_duckdb(names: dict[str, Any]) -> None:
    assert len(names["worst"]) == 3
    assert {row[2] for row in names["worst"]} == {3.0}
    assert names["months"] == [
        ("kw", STEPS, 6.5),
        ("t1", STEPS, 21.5),
        ("t2", STEPS, pytest.approx(31.5, abs=0.01)),
    ]
    assert names["peak"] == (8.0,)


def check_phable(names: dict[str, Any]) -> None:
    assert len(names["sensors"].rows) == 2
    assert len(names["history"].rows) == STEPS
    assert [col.name for col in names["days"].cols] == ["ts", "v0", "v1"]
    assert [value for _, value in names["rows"]] == [21.5] * 4
    assert [row["dis"] for row in names["hottest"].rows] == ["Two", "One"]
    newest = {id: list(storages["default"].his_read(id))[-1] for id in ("t1", "t2")}
    [written] = [row for row in newest.values() if row["val"] == Number(21.5, "°C")]
    assert written["ts"].utc == names["newest"].astimezone(dt.UTC)
    assert Ref("kw") not in {row["id"] for row in names["sensors"].rows}
