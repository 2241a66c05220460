"""Stores with all kinds of content, to be copied."""

from __future__ import annotations

import datetime as dt
from typing import Any

from haystack_app.kinds import (
    MARKER,
    NA,
    Coord,
    DateTime,
    Number,
    Ref,
    Symbol,
    Uri,
)
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.memory import InMemoryAdapter
from tests.storage.building import at, entity, point

__all__ = ["NOON", "SAMPLES", "filled", "filled_store", "later"]

NOON = at("2024-03-01 12:00")
SAMPLES: dict[str, list[Any]] = {
    "num": [Number(1.5), Number(-0.0), NA, Number(float("nan")), Number(1e17)],
    "flag": [True, False, NA],
    "text": ["", "a", "12.5", 'ä "😀"'],
    "place": [Coord(37.5, -77.4), Coord(-0.0, 0)],
}
_KINDS = {"num": "Number", "flag": "Bool", "text": "Str", "place": "Coord"}


def later(seconds: float) -> DateTime:
    return DateTime(NOON.utc + dt.timedelta(seconds=seconds), NOON.tz)


def filled_store() -> InMemoryAdapter:
    return filled(InMemoryAdapter())


def filled(store: Any) -> Any:
    """Add entities with unusual values, transient tags, trash, levels, defs, histories."""
    records = [point(id, kind=kind) for id, kind in _KINDS.items()]
    records[0] |= {"unit": "°F", "curVal": Number(71, "°F"), "curStatus": "ok"}
    store.load_entities(
        [
            *records,
            point("fine", hisTsPrecision=Number(1, "ms")),
            point("empty"),
            point("once"),
            point("old", trash=MARKER),
            point("setpoint", unit="°F", writable=MARKER),
            point("mode", kind="Str", writable=MARKER),
            entity("hq", site=MARKER, area=Number(1e17, "ft²"), big=Number(1e22)),
            entity("doc", dis="\u2028", uri=Uri("a`b"), list=[Ref("hq", "HQ"), None]),
        ]
    )
    for id, values in SAMPLES.items():
        store.his_write(id, [(later(at), value) for at, value in enumerate(values)])
    store.his_write("fine", [(later(at / 1000), Number(at)) for at in range(-50, 50)])
    _former_point(store)
    _add_levels(store)
    store.load_defs({"later": [_def("b")]})
    store.load_defs({"earlier": [_def("a")]})
    return store


def _former_point(store: StorageAdapter) -> None:
    """Samples are kept if their entity is no longer a historized point."""
    store.his_write("once", [(later(0), Number(1))])
    store.load_entities([entity("once", tz="New_York", kind="Number")])


def _add_levels(store: StorageAdapter) -> None:
    store.point_write("setpoint", 17, Number(70), "")
    store.point_write("setpoint", 8, Number(72.5), "joe", NOON.utc)
    store.point_write("mode", 3, "auto", "ann")


def _def(name: str) -> dict[str, Any]:
    return {"def": Symbol(name), "is": [Symbol("marker")]}
