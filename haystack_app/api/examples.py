"""Requests to each op for the OpenAPI schema and the reference of the documentation.

Their ids are those of the demo, so that they can be tried out there as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..wire import hayson_writer, zinc_reader

__all__ = ["EXAMPLES", "Example"]

_AHU = "@north.b1.ahu-1"
_AIR = "@north.b1.ahu-1.discharge-temp"
_FAN = "@north.b1.ahu-1.fan-enable"
_EMPTY = 'ver:"3.0"\nempty\n'


@dataclass(frozen=True, slots=True)
class Example:
    """``zinc`` is the grid of a POST, ``parameters`` those of a GET instead."""

    zinc: str = _EMPTY
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The same grid in Hayson."""
        return json.loads(hayson_writer.grid_text(zinc_reader.read_grid(self.zinc)))


def _grid(*lines: str, meta: str = "") -> str:
    """Columns, and rows, of a grid in Zinc."""
    return "\n".join([f'ver:"3.0" {meta}'.strip(), *lines, ""])


EXAMPLES: Mapping[str, Example] = {
    "about": Example(),
    "bulkUpdate": Example(
        _grid("hvac", "M", meta='filter:"ahu and not hvac" dryRun'),
    ),
    "close": Example(),
    "commit": Example(
        _grid("id,dis,site", '@annex,"Annex",M', meta='commit:"add"'),
    ),
    "copyTree": Example(
        _grid("empty", meta=f'id:{_AHU} dis:"AHU-9" newId:@north.b1.ahu-9 dryRun'),
    ),
    "curWrite": Example(_grid("id,val,status", f'{_AIR},61.5°F,"ok"')),
    "defTags": Example(_grid("def", "^ahu"), {"def": "^ahu"}),
    "defs": Example(
        _grid("filter,limit", '"lib==^lib:hs",5'),
        {"filter": "lib==^lib:hs", "limit": "5"},
    ),
    "echo": Example(_grid("name,limit", '"low",20°C')),
    "emptyTrash": Example(_grid("empty", meta="all")),
    "eval": Example(
        _grid("expr", f'"readById({_AIR}).hisRead(today)"'),
        {"expr": f"readById({_AIR}).hisRead(today)"},
    ),
    "filetypes": Example(_grid("limit", "5"), {"limit": "5"}),
    "formats": Example(),
    "hisRead": Example(
        _grid("id,range,rollup,interval", f'{_AIR},"today","avg",1hr'),
        {"id": _AIR, "range": "today", "rollup": "avg", "interval": "1hr"},
    ),
    "hisWrite": Example(
        _grid(
            "ts,val",
            "2024-03-01T12:00:00-05:00 New_York,61.5°F",
            "2024-03-01T12:15:00-05:00 New_York,62°F",
            meta=f"id:{_AIR}",
        ),
    ),
    "invokeAction": Example(
        _grid("empty", meta=f'id:{_FAN} action:"release"'),
    ),
    "libs": Example(_grid("limit", "5"), {"limit": "5"}),
    "load": Example(_grid("id,dis,site,area", '@annex,"Annex",M,900ft²')),
    "moveTree": Example(
        _grid("siteRef", "@north.b2", meta=f"id:{_AHU} dryRun"),
    ),
    "nav": Example(_grid("navId", '"north.b1"'), {"navId": "north.b1"}),
    "ops": Example(_grid("limit", "5"), {"limit": "5"}),
    "pointWrite": Example(
        _grid("id,level,val,duration,who", f'{_FAN},8,T,2hr,"commissioning"'),
    ),
    "read": Example(
        _grid("filter,limit", '"point and siteRef->geoCity",5'),
        {"filter": "point and siteRef->geoCity", "limit": "5"},
    ),
    "watchPoll": Example(_grid("empty", meta='watchId:"WATCH_ID"')),
    "watchSub": Example(
        _grid("id", _AIR, _FAN, meta='watchDis:"example" lease:5min'),
    ),
    "watchUnsub": Example(_grid("id", _FAN, meta='watchId:"WATCH_ID"')),
}
"""By name of the op. ``WATCH_ID`` stands for the ``watchId`` of a ``watchSub``."""
