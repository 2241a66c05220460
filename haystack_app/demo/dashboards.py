"""Dashboards of the demo: a site, its air handlers, and its meters."""

from __future__ import annotations

from typing import Any

__all__ = ["DASHBOARDS"]


def _tile(kind: str, title: str, filter: str, size: str, **more: Any) -> dict[str, Any]:
    """``size`` is ``width x height``, in columns of twelve and in rows."""
    width, height = map(int, size.split("x"))
    tile = {"kind": kind, "title": title, "filter": filter}
    return {**tile, "width": width, "height": height, **more}


def _at_site(filter: str) -> str:
    return f"point and siteRef==$subject and {filter}"


def _of_each(filter: str) -> str:
    return f"point and equipRef==$each and {filter}"


_ZONES = _at_site("zone and air and temp and sensor")
_MAIN = "equipRef->siteMeter"
_SITE = {
    "subject": "site",
    "sections": [
        {
            "title": "$subject",
            "tiles": [
                _tile(
                    "number", "Outside", _at_site("outside and temp"), "2x2", fold="avg"
                ),
                _tile("number", "Rooms, average", _ZONES, "2x2", fold="avg"),
                _tile("number", "Warmest room", _ZONES, "2x2", fold="max"),
                _tile("number", "Coldest room", _ZONES, "2x2", fold="min"),
                _tile("number", "Power", _at_site(f"power and {_MAIN}"), "2x2"),
                _tile(
                    "number",
                    "Fans running",
                    _at_site("fan and run and sensor and curVal==true"),
                    "2x2",
                    fold="count",
                ),
                _tile("chart", "Power", _at_site("elec and power"), "7x5"),
                _tile(
                    "chart",
                    "Supply air",
                    _at_site("discharge and air and temp and equipRef->ahu"),
                    "5x5",
                ),
                _tile("table", "Rooms", _ZONES, "5x5"),
                _tile(
                    "chart",
                    "Air handlers",
                    _at_site("equipRef->ahu and (fan and run or hvacMode)"),
                    "7x5",
                ),
            ],
        }
    ],
}
_AHUS = {
    "subject": "site",
    "sections": [
        {
            "title": "Air handlers of $subject",
            "each": "ahu and siteRef==$subject",
            "tiles": [
                _tile(
                    "number",
                    "Supply air",
                    _of_each("discharge and temp and sensor"),
                    "2x2",
                ),
                _tile("number", "Fan", _of_each("fan and speed"), "2x2"),
                _tile(
                    "chart",
                    "Temperatures",
                    _of_each("air and temp and his"),
                    "8x5",
                ),
                _tile("number", "Mode", _of_each("hvacMode"), "4x3"),
                _tile(
                    "chart", "Fan and valves", _of_each("(valve or fan) and his"), "7x5"
                ),
                _tile(
                    "table",
                    "Points",
                    "point and equipRef==$each",
                    "5x5",
                    columns=["curVal", "curStatus", "writeVal"],
                ),
            ],
        }
    ],
}
_METERS = {
    "subject": "site",
    "sections": [
        {
            "title": "$subject",
            "tiles": [
                _tile(
                    "number",
                    name,
                    _at_site(f"{filter} and {_MAIN}"),
                    "4x2",
                    fold="consumption",
                )
                for name, filter in (
                    ("Electricity in this time", "elec and energy"),
                    ("Gas in this time", "naturalGas and volume"),
                    ("Water in this time", "water and volume"),
                )
            ],
        },
        {
            "title": "Load",
            "tiles": [
                _tile("chart", "Main meter", _at_site(f"power and {_MAIN}"), "12x5"),
                _tile(
                    "chart", "By use", _at_site("power and equipRef->submeter"), "7x5"
                ),
                _tile(
                    "table",
                    "Readings",
                    _at_site("hisTotalized"),
                    "5x5",
                    columns=["curVal"],
                ),
                _tile("chart", "Gas", _at_site("naturalGas and flow"), "6x4"),
                _tile("chart", "Water", _at_site("domestic and water and flow"), "6x4"),
            ],
        },
    ],
}
DASHBOARDS: tuple[dict[str, Any], ...] = (
    {"slug": "site", "title": "Site overview", "range": "24h", "content": _SITE},
    {"slug": "air-handlers", "title": "Air handlers", "range": "24h", "content": _AHUS},
    {"slug": "energy", "title": "Energy", "range": "7d", "content": _METERS},
)
"""For everyone, owned by none; field values of the model."""
