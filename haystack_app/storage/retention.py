"""Dropping samples that policies no longer keep; roll-ups to days stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .base import StorageAdapter
from .policies import Policy, assigned, cutoff
from .samples import FIRST_TIME, HisPoint

__all__ = ["Plan", "compress_before", "plans"]

_POINTS = 500


@dataclass(slots=True)
class Plan:
    """What a policy decides for, and what it would drop now.

    ``old`` has the points with old samples: the end of what is dropped, in
    microseconds since 1970, and the number of samples. ``sample_bytes`` is an estimate.
    """

    policy: Policy
    sample_bytes: float
    points: int = 0
    samples: int = 0
    old: list[tuple[HisPoint, int, int]] = field(default_factory=list)

    @property
    def old_samples(self) -> int:
        return sum(count for _, _, count in self.old)


def plans(store: StorageAdapter, now: dt.datetime) -> Iterator[Plan]:
    """The plan of each policy, in their order. Nothing is changed."""
    size = store.his_sample_bytes()
    for policy, found in assigned(store):
        plan = Plan(policy, size, len(found), sum(count for _, count in found))
        points = [point for point, count in found if count]
        if policy.keep_days is not None:
            for at in range(0, len(points), _POINTS):
                part = points[at : at + _POINTS]
                plan.old += _old(store, part, policy.keep_days, now)
        yield plan


def _old(
    store: StorageAdapter, points: Sequence[HisPoint], days: int, now: dt.datetime
) -> Iterator[tuple[HisPoint, int, int]]:
    """The points that have samples before the days to keep."""
    ends = [cutoff(point, days, now) for point in points]
    counts = store.his_counts(
        [
            (point.id, point.dropped or FIRST_TIME, end)
            for point, end in zip(points, ends, strict=True)
        ]
    )
    for point, end, count in zip(points, ends, counts, strict=True):
        if count:
            yield point, end, count


def compress_before(found: Sequence[Plan], now: dt.datetime) -> dt.datetime | None:
    """Before when samples may be compressed; None for never.

    Chunks have samples of all points, so the policy that waits longest decides.
    """
    days = [
        plan.policy.compress_days
        for plan in found
        if plan.points and plan.policy.compress_days is not None
    ]
    return now - dt.timedelta(days=max(days)) if days else None
