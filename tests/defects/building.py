"""The building of ../shared/spec/predecessor-defects.md, with the tags it names."""

from __future__ import annotations

import datetime as dt
from typing import Any

from haystack_app.kinds import MARKER, DateTime, Grid, Number, Ref
from haystack_app.kinds.timezones import zone_of
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter

__all__ = ["at", "building", "found", "his", "point", "run", "text_of"]


def point(id: str, kind: str = "Number", tz: str = "New_York", **tags: Any) -> Any:
    base = {"point": MARKER, "his": MARKER, "kind": kind, "tz": tz}
    return {"id": Ref(id), **base, **tags}


def building() -> list[dict[str, Any]]:
    s1, s2, e1 = Ref("s1"), Ref("s2"), Ref("e1")
    return [
        {
            "id": s1,
            "site": MARKER,
            "dis": "Alpha",
            "area": Number(151_455, "ft²"),
            "yearBuilt": Number(2000),
            "occ": True,
            "geoCity": "Hugo",
            "code": "true",
            "opened": dt.date(2024, 2, 29),
        },
        {
            "id": s2,
            "site": MARKER,
            "dis": "Bravo",
            "area": Number(100, "m²"),
            "yearBuilt": Number(1990.5),
            "opened": dt.date(2020, 1, 1),
        },
        {"id": e1, "equip": MARKER, "siteRef": s1, "yearBuilt": "unknown"},
        point("p1", unit="°F", siteRef=s1, x="72.0", curVal=Number(71, "°F")),
        point("p2", "Bool", siteRef=s1, x=Number(72), curVal=True),
        point("p3", "Str", siteRef=s2, x=True, airRef=[e1, s2]),
        point(
            "p4",
            tz="Denver",
            unit="°C",
            siteRef=s2,
            x="true",
            curVal=Number(20, "°C"),
            nested={"bar": Number(5)},
            rate=Number(1_234_567.891, "kW"),
        ),
    ]


def run(
    store: StorageAdapter, name: str, request: Grid | None = None, **row: Any
) -> Grid:
    """An op on a grid, or on one row of arguments."""
    op = find_op(name)
    assert op is not None
    return op.run(Context(store), request or Grid.of([row] if row else []))


def found(store: StorageAdapter, filter: str) -> list[str]:
    """Ids that the op ``read`` answers, sorted."""
    return sorted(row["id"].id for row in run(store, "read", filter=filter))


def at(text: str, tz: str = "New_York") -> DateTime:
    local = dt.datetime.fromisoformat(text).replace(tzinfo=zone_of(tz))
    return DateTime(local.astimezone(dt.UTC), tz)


def his(store: StorageAdapter, id: str, range: Any) -> list[tuple[DateTime, Any]]:
    """(ts, val) that the op ``hisRead`` answers."""
    answer = run(store, "hisRead", id=Ref(id), range=range)
    return [(row["ts"], row["val"]) for row in answer]


def text_of(values: list[tuple[DateTime, Any]]) -> list[str]:
    return [ts.iso for ts, _ in values]
