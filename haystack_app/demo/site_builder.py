"""Builds the records of a site: spaces, equipment and points."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.scalars import MARKER, Ref
from ..kinds.timezones import zone_of
from .climate import seed_of
from .history import unit_of, value_at
from .points import POINTS, PointSpec
from .quantities import QUANTITIES
from .sites import Campus

__all__ = ["EPOCH", "SiteBuilder", "Tags", "markers"]

Tags = dict[str, Any]
EPOCH = dt.datetime(2024, 6, 3, 15, tzinfo=dt.UTC)


def markers(names: str) -> Tags:
    """Marker tags; the names are separated by blanks."""
    return dict.fromkeys(names.split(), MARKER)


@dataclass(frozen=True, slots=True)
class SiteBuilder:
    """Builds the records of one site. ``at`` is the time of the curVals."""

    campus: Campus
    prefix: str
    ref: Ref
    station: Ref
    at: dt.datetime

    @property
    def name(self) -> str:
        return self.ref.dis or self.prefix

    @property
    def seed(self) -> int:
        return seed_of(self.prefix)

    def unit(self, quantity: str) -> str | None:
        found = QUANTITIES[quantity]
        return (found.metric if self.campus.is_metric else found.us).unit

    def instant(self, year: int, month: int, day: int, hour: int) -> DateTime:
        tz = self.campus.climate.tz
        return DateTime(dt.datetime(year, month, day, hour, tzinfo=zone_of(tz)), tz)

    def record(self, key: str, name: str, types: str, **tags: Any) -> Tags:
        dis = f"{self.name} {name}"
        id = Ref(f"{self.prefix}.{key}", dis)
        return {"id": id, **markers(types), "dis": dis, "siteRef": self.ref, **tags}

    def space(self, key: str, name: str, types: str, **tags: Any) -> Tags:
        return self.record(key, name, f"space {types}", navName=name, **tags)

    def equip(
        self, kind: str, key: str, name: str, types: str, **tags: Any
    ) -> Iterator[Tags]:
        """The equipment and the points of its kind."""
        equip = self.record(key, name, f"equip {types}", navName=name, **tags)
        yield equip
        for point in self.points(kind, equip["id"], equip["dis"]):
            if isinstance(space := tags.get("spaceRef"), Ref):
                point["spaceRef"] = space
            yield point

    def points(self, kind: str, equip: Ref, dis: str) -> Iterator[Tags]:
        for spec in POINTS[kind]:
            yield self._point(spec, equip, dis)

    def _point(self, spec: PointSpec, equip: Ref, dis: str) -> Tags:
        name = spec.name.replace("-", " ").title()
        id = Ref(f"{equip.id}.{spec.name}", f"{dis} {name}")
        tags: Tags = {
            "id": id,
            **markers(f"point {spec.tags}"),
            "dis": id.dis,
            "navName": name,
            "siteRef": self.ref,
            "equipRef": equip,
            "kind": spec.kind,
            "tz": self.campus.climate.tz,
            **markers("cur his" if spec.his else "cur"),
            "curVal": value_at(id.id, self.at),
            "curStatus": "ok",
        }
        if unit := unit_of(self.campus, spec):
            tags["unit"] = unit
        if spec.kind == "Str":
            tags["enum"] = spec.quantity
        if spec.kind == "Bool":
            tags["enum"] = "off,on"
        if "energy" in tags or "volume" in tags:
            tags["hisTotalized"] = MARKER
        if spec.level is not None:
            tags |= {**markers("writable"), "writeStatus": "ok"}
        return tags
