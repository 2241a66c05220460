"""A plant with a week of samples, and a dashboard of it, in a browser."""

from __future__ import annotations

import datetime as dt

import pytest

from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.storage.handler import storages
from tests.dashboards.making import dashboard
from tests.explorer.conftest import HOSTILE, browser, page, server
from tests.live.processes import Restartable
from tests.storage.building import entity, point

__all__ = ["browser", "page", "plant", "server"]

QUARTER = dt.timedelta(minutes=15)
PLANT = {
    "subject": "site",
    "sections": [
        {
            "title": "$subject now",
            "tiles": [
                {
                    "kind": "number",
                    "title": "Air",
                    "filter": "id==@air and siteRef==$subject",
                },
                {
                    "kind": "number",
                    "title": "Average",
                    "filter": "point and unit and siteRef==$subject and cur",
                    "fold": "avg",
                },
                {
                    "kind": "number",
                    "title": "Energy",
                    "filter": "hisTotalized and siteRef==$subject",
                    "fold": "consumption",
                },
                {"kind": "table", "title": "Values", "filter": "point and cur"},
            ],
        },
        {
            "title": "Air handlers",
            "each": "ahu and siteRef==$subject",
            "tiles": [
                {
                    "kind": "chart",
                    "title": "Temperatures of $each",
                    "filter": 'equipRef==$each and (dis=="Air" or dis=="Wet")',
                },
                {"kind": "chart", "title": "Meter", "filter": "hisTotalized"},
            ],
        },
    ],
}


@pytest.fixture
def plant(server: Restartable) -> Restartable:
    """Two sites, an AHU in each; a week of an air temperature and a meter of Hall."""
    store = storages["default"]
    annex = {"siteRef": Ref("annex"), "equipRef": Ref("ahu2")}
    store.load_entities(
        [
            entity("annex", site=MARKER, dis=f"South {HOSTILE}"),
            entity("ahu2", equip=MARKER, ahu=MARKER, dis=f"Annex {HOSTILE}", **annex),
            point("wet", dis="Wet", unit="°F", **annex),
            point(
                "kwh",
                dis="Meter",
                unit="kWh",
                siteRef=Ref("hall"),
                hisTotalized=MARKER,
            ),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    end = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    times = [
        DateTime(end - dt.timedelta(days=14) + step * QUARTER, "New_York")
        for step in range(14 * 96 + 1)
    ]
    store.his_write_all(
        {
            "air": [
                (ts, Number(60 + step % 96 / 10, "°F")) for step, ts in enumerate(times)
            ],
            "kwh": [(ts, Number(step * 2, "kWh")) for step, ts in enumerate(times)],
        }
    )
    server.write("@air,71.5°F,")  # not that of the newest sample
    dashboard("plant", None, everyone=True, content=PLANT, range="7d")
    return server
