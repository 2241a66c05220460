"""A building whose points files name by id, dis and path."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages

Import = Callable[..., str]


@pytest.fixture
def building(db: None) -> StorageAdapter:
    adapter = storages["default"]
    common = {
        "point": MARKER,
        "his": MARKER,
        "tz": "New_York",
        "siteRef": Ref("hq"),
        "equipRef": Ref("ahu"),
    }
    number = {"kind": "Number", **common}
    adapter.load_entities(
        [
            {"id": Ref("hq"), "site": MARKER, "dis": "HQ"},
            {
                "id": Ref("ahu"),
                "equip": MARKER,
                "dis": "AHU 1",
                "navName": "AHU-1",
                "siteRef": Ref("hq"),
            },
            {"id": Ref("sat"), "dis": "Supply Temp", "unit": "°C", **number},
            {"id": Ref("rat"), "dis": "Return Temp", "unit": "°C", **number},
            {"id": Ref("kw"), "dis": "Power", "navName": "kW", "unit": "kW", **number},
            {"id": Ref("count"), "dis": "Count", **number},
            {"id": Ref("fan"), "dis": "Fan", "kind": "Bool", **common},
            {
                "id": Ref("mode"),
                "dis": "Occupied",
                "kind": "Bool",
                "enum": "Unoccupied,Occupied",
                **common,
            },
            {"id": Ref("text"), "dis": "Text", "kind": "Str", **common},
            {
                "id": Ref("meter"),
                "dis": "Meter",
                "unit": "kWh",
                **{**number, "tz": "Paris"},
            },
        ]
    )
    return adapter


@pytest.fixture
def two_ahus(building: StorageAdapter) -> None:
    """A second equip with a point of the same name."""
    ahu, sat = building.existing("ahu"), building.existing("sat")
    building.load_entities(
        [
            {**ahu.tags, "id": Ref("ahu2"), "dis": "AHU 2", "navName": "AHU-2"},
            {**sat.tags, "id": Ref("sat2"), "equipRef": Ref("ahu2")},
        ]
    )


@pytest.fixture
def load(building: StorageAdapter, tmp_path: Path) -> Import:
    """Writes a file and imports it; what the command printed."""

    def load(content: str | bytes, *args: str, name: str = "a.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        out = StringIO()
        call_command(
            "haystack_his_import", str(path), *args, stdout=out, stderr=StringIO()
        )
        return out.getvalue()

    return load


@pytest.fixture
def his(building: StorageAdapter) -> Callable[[str], dict[str, Any]]:
    """The samples of a point: UTC to value, numbers as floats."""

    def his(id: str) -> dict[str, Any]:
        return {
            f"{row['ts'].utc:%Y-%m-%dT%H:%M:%S}": getattr(row["val"], "val", row["val"])
            for row in building.his_read(id)
        }

    return his
