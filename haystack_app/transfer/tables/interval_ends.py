"""Amounts of intervals whose times are the starts of these: how long intervals are."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from ...storage.errors import UnknownEntity
from ..his_points import SamplePoints

__all__ = ["CONSUMPTION", "check_amounts", "interval_of", "without_mode"]

CONSUMPTION = "consumption"
_MODE = "hisMode"


def interval_of(times: Mapping[str, Iterable[dt.datetime]]) -> dt.timedelta:
    """The interval that most neighbours of one point have. Raises ValueError."""
    steps: Counter[dt.timedelta] = Counter()
    for of_point in times.values():
        steps.update(abs(two - one) for one, two in pairwise(of_point) if one != two)
    if not steps:
        raise ValueError("--stamps start: one time does not show the interval")
    found, count = steps.most_common(1)[0]
    if count * 2 < steps.total() or found != min(steps):
        shown = " and ".join(str(step) for step, _ in steps.most_common(2))
        raise ValueError(
            f"--stamps start: the times have no common interval, but {shown}"
        )
    return found


def check_amounts(points: SamplePoints, id: str) -> None:
    """Raises ValueError for a point whose samples are not amounts of intervals."""
    record = points.record(id)
    mode = record.get(_MODE, CONSUMPTION)
    if mode != CONSUMPTION or record.get("kind") != "Number":
        raise ValueError(
            f"@{id}: --stamps is for Numbers with hisMode {CONSUMPTION}, not"
            f" {record.get(_MODE) or record.get('kind')}"
        )


def without_mode(points: SamplePoints, ids: Iterable[str]) -> list[dict[str, Any]]:
    """The tags that stored points get."""
    found = []
    for id in sorted(ids):
        try:
            record = points.adapter.existing(id)
        except UnknownEntity:
            continue
        if _MODE not in record:
            found.append({"id": record["id"], _MODE: CONSUMPTION})
    return found
