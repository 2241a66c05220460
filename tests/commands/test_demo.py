"""haystack_demo and haystack_demo_user."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth import authenticate, get_user_model

from haystack_app import demo
from haystack_app.kinds import Number
from haystack_app.models import Dashboard
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.priority_array import effective

from .conftest import Run

pytestmark = pytest.mark.django_db
Tags = dict[str, Any]
NOW = dt.datetime(2026, 3, 4, 16, 7, tzinfo=dt.UTC)
OVERRIDDEN = "south.b1.ahu-1.mode"


def test_history_is_continued(
    run: Run, adapter: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [
        record
        for record in demo.entities()
        if record["id"].id.startswith("south.weather")
    ]
    monkeypatch.setattr(demo, "entities", lambda copy=None, at=None: iter(some))
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        out = run("haystack_demo", days=1)
    assert f"{len(some)} entities" in out and "576 samples, 0 writes" in out
    assert "demo not loaded: the store has entities" in run(
        "haystack_demo", if_empty=True
    )
    first = list(adapter.his_read("south.weather.temp"))
    assert len(first) == 96
    with time_machine.travel("2026-03-01T18:00:00Z", tick=False):
        run("haystack_demo", days=1)
    assert list(adapter.his_read("south.weather.temp"))[:96] == first
    assert len(list(adapter.his_read("south.weather.temp"))) == 96 + 24


def test_a_year_of_a_meter_and_a_week_of_the_rest(
    run: Run, adapter: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ("south.b1.gas-main.volume", "south.b1.gas-main.flow")
    some = [one for one in demo.entities() if one["id"].id in wanted]
    monkeypatch.setattr(demo, "entities", lambda copy=None, at=None: iter(some))
    assert f"{(365 + 7) * 96:,} samples" in run("haystack_demo")
    assert len(list(adapter.his_read(wanted[0]))) == 365 * 96
    assert len(list(adapter.his_read(wanted[1]))) == 7 * 96


def test_which_points_have_a_year() -> None:
    found = [
        one["id"].id for one in demo.entities() if "his" in one and demo.has_year(one)
    ]
    assert 35 <= len(found) <= 45
    assert len([id for id in found if id.startswith("north.b1.ahu-1.")]) > 15
    assert len([id for id in found if id.endswith("elec-main.energy")]) == 4


def test_dashboards_that_exist_are_kept(run: Run, adapter: StorageAdapter) -> None:
    run("haystack_demo", days=0)
    made = Dashboard.objects.order_by("slug")
    suffix = "" if adapter.alias == "default" else f"-{adapter.alias}"
    names = ["air-handlers", "energy", "site"]
    assert [one.slug for one in made] == [f"{name}{suffix}" for name in names]
    assert {one.storage for one in made} == {adapter.alias}
    for one in made:
        one.full_clean()
    made.filter(title="Energy").update(title="Ours")
    run("haystack_demo", days=0)
    assert sorted(one.title for one in made.all()) == [
        "Air handlers",
        "Ours",
        "Site overview",
    ]


def test_demo(run: Run, adapter: StorageAdapter) -> None:
    out = run("haystack_demo", days=0)
    assert re.match(r"demo: 1,\d{3} entities \(1,\d{3} created, .* 0 samples", out)
    assert len(adapter.read("site")) == 4
    assert len(adapter.read('point and siteRef->geoCity == "Springfield"')) > 200
    assert len(adapter.read("vav and airRef->chilledWaterRef->plant")) == 80
    assert {record["id"].id for record in adapter.read("^equip")} == {
        record["id"].id for record in adapter.read("equip")
    }


@pytest.fixture
def south(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit the demo to the air handlers of one building."""
    entities = demo.entities

    def some(copy: int | None = None, at: dt.datetime = NOW) -> Iterator[Tags]:
        for record in entities(copy, at):
            if record["id"].id.startswith("south.b1.ahu-"):
                yield record

    monkeypatch.setattr(demo, "entities", some)


@pytest.mark.usefixtures("south")
def test_levels_of_writable_points(run: Run, adapter: StorageAdapter) -> None:
    with time_machine.travel(NOW, tick=False):
        out = run("haystack_demo", days=0)
    points = adapter.read("writable")
    assert len(points) == 10 and "0 samples, 12 writes" in out
    for point in points:
        number, val = effective(adapter.levels_of(point["id"].id))
        assert (point["writeLevel"], point["writeVal"]) == (Number(number), val)
        assert point["curVal"] == val
    assert {level.who for level in adapter.levels_of(OVERRIDDEN).values()} == {
        "haystack_demo"
    }
    assert sorted(adapter.point_array(OVERRIDDEN, NOW)) == [8, 16, 17]
    assert adapter.release_due(NOW + dt.timedelta(hours=9)) == [OVERRIDDEN]
    released = adapter.existing(OVERRIDDEN)
    assert (released["writeLevel"], released["writeVal"]) == (Number(16), "unoccupied")


@pytest.mark.usefixtures("south")
def test_existing_levels_are_kept(
    run: Run, adapter: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    write = type(adapter).point_write

    def spy(self: Any, id: str, number: int, *args: Any, **kwargs: Any) -> None:
        written.append((id, number))
        write(self, id, number, *args, **kwargs)

    monkeypatch.setattr(type(adapter), "point_write", spy)
    with time_machine.travel(NOW, tick=False):
        run("haystack_demo", days=0)
    assert len(written) == len(set(written)) == 12
    adapter.point_write("south.b1.ahu-2.fan-enable", 16, False, "joe")
    adapter.point_write("south.b1.ahu-2.mode", 3, "warmup", "joe")
    written.clear()
    with time_machine.travel(NOW + dt.timedelta(minutes=5), tick=False):
        out = run("haystack_demo", days=0)
    assert written == [("south.b1.ahu-2.fan-enable", 16)] and "1 writes" in out
    assert adapter.existing("south.b1.ahu-2.mode")["writeVal"] == "warmup"


@pytest.mark.usefixtures("south")
def test_all_or_nothing(
    run: Run, adapter: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(demo, "levels", broken)
    with pytest.raises(OSError, match="disk full"):
        run("haystack_demo", days=0)
    assert list(adapter.scan()) == []


def test_each_start_has_its_own_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "8123")
    passwords = []
    for _ in range(2):
        out = run("haystack_demo_user")
        assert "http://127.0.0.1:8123/admin/" in out and "curl" in out
        found = re.search(r"Password +(\S+)", out)
        assert found is not None
        passwords.append(found[1])
    assert authenticate(username="demo", password=passwords[0]) is None
    user = authenticate(username="demo", password=passwords[1])
    assert user is not None and user.is_superuser and user.is_staff
    assert get_user_model().objects.count() == 1


def test_name_from_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_USER", "guest")
    run("haystack_demo_user")
    assert get_user_model().objects.get().get_username() == "guest"
