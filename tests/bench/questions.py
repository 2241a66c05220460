"""The filters of the bench, chosen from the data so that answers have a size.

Chosen by counting in one copy of the campuses, which all copies are alike to;
the same data always gives the same questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from haystack_app.kinds.scalars import MARKER, Ref

__all__ = ["Questions", "questions_for"]

Tags = dict[str, Any]
_TAGS = ("temp", "sensor", "cmd", "sp", "zone", "air", "discharge", "flow", "writable")


@dataclass(frozen=True, slots=True)
class Questions:
    """``few`` are about ten points by four conjuncts, ``some`` about fifty by three,
    ``many`` some thousands by markers; ``of_site`` and ``of_city`` are one site's
    points, by their own ref and by a path. ``by_dis`` finds one point, ``point``.
    """

    tag: str
    site: str
    equip: str
    many_tags: tuple[str, ...]
    geo_city: str
    some_tag: str
    point: str
    dis: str

    @property
    def some(self) -> str:
        return f"point and {self.some_tag} and siteRef == @{self.site}"

    @property
    def by_dis(self) -> str:
        return f'dis == "{self.dis}"'

    @property
    def few(self) -> str:
        return (
            f"point and {self.tag} and siteRef == @{self.site}"
            f" and equipRef == @{self.equip}"
        )

    @property
    def many(self) -> str:
        return " and ".join(self.many_tags)

    @property
    def of_site(self) -> str:
        return f"point and siteRef == @{self.site}"

    @property
    def of_city(self) -> str:
        return f'point and siteRef->geoCity == "{self.geo_city}"'

    def filters(self) -> dict[str, str]:
        return {
            "read, ~10 rows": self.few,
            "read, 10,000 rows": self.many,
            "points of a site by siteRef": self.of_site,
            "points of a site by a path": self.of_city,
        }


def questions_for(records: list[Tags], copies: int, rows: int) -> Questions:
    """``records`` are one copy's, ``rows`` the size of the large answer."""
    points = [record for record in records if "point" in record]
    cities = {
        r["id"].id: r["geoCity"] for r in records if "site" in r and "geoCity" in r
    }
    tag, site, equip = _closest(points, cities, 10)
    at_site = [point for point in points if point.get("siteRef") == Ref(site)]
    names = Counter(point["dis"] for point in points)
    [one, *_] = [point for point in at_site if names[point["dis"]] == 1]
    return Questions(
        tag,
        site,
        equip,
        _common(points, rows / copies),
        cities[site],
        _tag_of(at_site, 50),
        one["id"].id,
        one["dis"],
    )


def _tag_of(points: list[Tags], wanted: int) -> str:
    """The tag that about ``wanted`` of the points have."""
    counts = Counter(tag for point in points for tag in _TAGS if tag in point)
    return min(counts, key=lambda tag: (abs(counts[tag] - wanted), tag))


def _closest(
    points: list[Tags], sites: Iterable[str], wanted: int
) -> tuple[str, str, str]:
    """The tag, site and equip that together select about ``wanted`` points."""
    counts = Counter(
        (tag, point["siteRef"].id, point["equipRef"].id)
        for point in points
        if isinstance(point.get("equipRef"), Ref) and point["siteRef"].id in sites
        for tag in _TAGS
        if tag in point
    )
    return min(counts, key=lambda key: (abs(counts[key] - wanted), key))


def _common(points: list[Tags], wanted: float) -> tuple[str, ...]:
    """Marker tags that the fewest points have of those that enough have."""
    counts: Counter[tuple[str, ...]] = Counter()
    for point in points:
        markers = sorted(
            name for name, value in point.items() if value is MARKER and name in _TAGS
        )
        for size in (1, 2, 3):
            counts.update(combinations(markers, size))
    enough = [key for key in counts if counts[key] >= wanted]
    if not enough:
        return ("point",)
    best = min(enough, key=lambda key: (counts[key], key))
    return ("point", *best)
