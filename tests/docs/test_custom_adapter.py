"""docs/custom-adapter.md: its adapter, as it is written there, under the API."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haystack_app.checks import check_storages
from haystack_app.kinds import Number, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, grid_of, logged_in, user
from tests.forks import ROOT

TEXT = (ROOT / "docs" / "custom-adapter.md").read_text("utf-8")
ADAPTER, SETTING = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
POINT = """\
id: @{id}
dis: "{id}"
point
his
kind: "Number"
unit: "°C"
tz: "Berlin"
"""
START = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def plant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, db: None
) -> Iterator[str]:
    """The alias of the store, with two points and the samples of a day."""
    (tmp_path / "historian.py").write_text(ADAPTER)
    points = [POINT.format(id=id) for id in ("boiler", "pump")]
    (tmp_path / "plant.trio").write_text("---\n".join(points))
    with sqlite3.connect(tmp_path / "plant.sqlite") as historian:
        historian.execute("CREATE TABLE trend (tag TEXT, time REAL, value REAL)")
        rows = [
            (id, START.timestamp() + 900 * number, float(number % 4 + more))
            for id, more in (("boiler", 60), ("pump", 1))
            for number in range(96)
        ]
        historian.executemany("INSERT INTO trend VALUES (?, ?, ?)", rows)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "historian", raising=False)
    names: dict[str, Any] = {}
    exec(compile(SETTING, "docs/custom-adapter.md", "exec"), names)
    settings.HAYSTACK = names["HAYSTACK"]
    yield "plant"
    sys.modules.pop("historian", None)


def test_it_is_short() -> None:
    lines = [line for line in ADAPTER.splitlines() if line.strip()]
    assert len(lines) <= 60


def test_histories_come_from_the_historian(plant: str) -> None:
    api = Api(logged_in("alice"), plant)
    assert api.ids(filter="point") == ["boiler", "pump"]
    rows = list(grid_of(api.get("hisRead", id="@boiler", range="2024-03-01")))
    # the day of Berlin begins an hour before that of UTC
    assert len(rows) == 92
    assert rows[0]["val"] == Number(60, "°C")
    assert rows[0]["ts"].utc == START
    folded = api.get(
        "hisRead", id="@pump", range="2024-03-01", rollup="avg", interval="1hr"
    )
    assert {row["val"] for row in grid_of(folded)} == {Number(2.5, "°C")}


def test_samples_are_not_written(plant: str) -> None:
    api = Api(logged_in("alice"), plant)
    zinc = 'ver:"3.0" id:@boiler\nts,val\n2024-03-01T12:00:00+01:00 Berlin,5°C\n'
    assert "written by the historian" in api.error(api.post("hisWrite", zinc))
    assert len(list(storages[plant].his_read("boiler"))) == 96


def test_rights_and_scopes_hold(plant: str) -> None:
    client = logged_in("carol", "")
    assert Api(client, plant).get("read", filter="point").status_code == 403
    dave = user("dave")
    group = dave.groups.get()
    GroupScope.objects.create(group=group, filter="id == @pump")
    api = Api(logged_in_as(dave), plant)
    assert api.ids(filter="point") == ["pump"]
    refused = api.get("hisRead", id="@boiler", range="2024-03-01")
    assert "boiler" in api.error(refused)


def logged_in_as(who: Any) -> Any:
    from django.test import Client

    client = Client()
    client.force_login(who)
    return client


def test_its_check_and_its_options(plant: str, settings: Any, tmp_path: Path) -> None:
    assert [message.id for message in check_storages()] == []
    (tmp_path / "plant.sqlite").unlink()
    [message] = check_storages()
    assert message.id == "historian.E001"
    assert "no historian at plant.sqlite" in message.msg
    options = settings.HAYSTACK["STORAGES"][plant]["OPTIONS"]
    options["nosuch"] = 1
    settings.HAYSTACK = {**settings.HAYSTACK}
    assert "haystack.E001" in [message.id for message in check_storages()]


def test_it_can_be_copied(plant: str) -> None:
    from haystack_app.transfer.store_copy import copy_store

    copy_store(storages[plant], storages["default"])
    assert storages["default"].existing("boiler")["id"] == Ref("boiler")
    assert len(list(storages["default"].his_read("pump"))) == 96
