"""docs/storage.md: its Python and its SQL run as they are written."""

from __future__ import annotations

import datetime as dt
import inspect
import re
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.models import Entity
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.orm.views import create_views
from tests.api.conftest import user
from tests.forks import ROOT
from tests.storage.building import entity, point

TEXT = (ROOT / "docs" / "storage.md").read_text("utf-8")
NO_POSTGRES = settings.MISSING_SERVICES.get("postgres", "")
POINT = "north.b1.ahu-1.discharge-temp"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def fill(store: StorageAdapter) -> None:
    """Some entities of the demo, and two samples within the last day."""
    store.load_entities(
        [
            entity("north.b1", site=MARKER, dis="North", geoCity="Springfield"),
            entity("north.b1.ahu-1", equip=MARKER, siteRef=Ref("north.b1")),
            point(
                POINT,
                temp=MARKER,
                zone=MARKER,
                siteRef=Ref("north.b1"),
                equipRef=Ref("north.b1.ahu-1"),
            ),
        ]
    )
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    times = [now - dt.timedelta(hours=n) for n in (3, 2)]
    samples = [
        (DateTime(time, "New_York"), Number(60 + 2 * n)) for n, time in enumerate(times)
    ]
    store.his_write(POINT, samples)


@pytest.mark.django_db
def test_its_python(capsys: pytest.CaptureFixture[str]) -> None:
    fill(storages["default"])
    user("demo", is_superuser=True)
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, "docs/storage.md", "exec"), names)
    assert capsys.readouterr().out == "@hq None\n"
    assert [record["id"] for record in names["store"].read("site")] == [Ref("hq")]
    assert names["count"] == 1
    assert names["mean"] == {"val__avg": 61.0}
    assert names["samples"].count() == 2
    assert isinstance(list(names["changed"]), list)
    annex = Entity.objects.get(pk=names["annex"].pk).record
    assert (annex["dis"], annex["area"]) == ("Annex", Number(1000, "m²"))


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_methods_in_its_table() -> None:
    rows = re.findall(r"^\| (`[^|]*)\|", section("In Python"), re.M)
    found = re.findall(r"`(\w+)(?:\(([^)]*)\))?`", " ".join(rows))
    assert len(found) > 20
    for name, given in found:
        method = inspect.signature(getattr(StorageAdapter, name))
        assert set(re.findall(r"\w+", given)) <= method.parameters.keys(), name


@pytest.mark.skipif(bool(NO_POSTGRES), reason=NO_POSTGRES or "it is there")
@pytest.mark.django_db(
    databases=["default"] if NO_POSTGRES else ["default", "postgres"]
)
def test_its_sql() -> None:
    store = OrmAdapter(using="postgres")
    fill(store)
    create_views(store.using)
    found = []
    with connections[store.using].cursor() as cursor:
        for statement in "".join(blocks("sql")).split(";\n"):
            if statement:
                cursor.execute(statement)
                found.append(len(cursor.fetchall()))
    assert found == [1, 2, 2, 1, 1, 1, 2, 1]
