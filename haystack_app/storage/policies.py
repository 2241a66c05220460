"""Policies of histories: which one decides for a point, and what it says.

They are those of the setting ``POLICIES`` and then of the table, in this order; the
first whose filter matches a point decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from .. import filters
from ..conf import app_settings
from ..filters.ast import And, Compare, Filter
from ..folds.buckets import DAY, buckets
from ..kinds.scalars import Number, Ref
from ..kinds.series import microseconds_of
from ..kinds.timezones import zone_of
from .errors import NotHistorized
from .samples import HisPoint

__all__ = ["Policy", "assigned", "cutoff", "policies", "policy_of"]


class Readable(Protocol):
    """A store, as far as policies need it."""

    def read(
        self, filter: Filter | str, limit: int | None = None
    ) -> Iterable[Mapping[str, Any]]: ...


_REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Policy:
    """``keep_days`` and ``compress_days`` are None for ever and for never."""

    name: str
    filter: str
    keep_days: int | None = None
    compress_days: int | None = None
    refuses_late: bool = True

    @property
    def tree(self) -> Filter:
        """The points that it matches, if no earlier policy does.

        Those in the trash keep all samples, until it is emptied.
        """
        tree = filters.with_history(filters.parse(self.filter))
        return filters.without_trash(tree)


def policies() -> list[Policy]:
    """All policies, in the order in which they are asked."""
    from ..models import HistoryPolicy  # stores are imported before Django is set up

    rows = HistoryPolicy.objects.filter(enabled=True)
    return [*map(_of_setting, app_settings.POLICIES), *map(_of_row, rows)]


def _of_setting(entry: Mapping[str, Any]) -> Policy:
    return Policy(
        str(entry["name"]),
        str(entry["filter"]),
        entry.get("keep_days"),
        entry.get("compress_days"),
        entry.get("late", _REFUSE) == _REFUSE,
    )


def _of_row(row: Any) -> Policy:
    return Policy(
        row.name,
        row.filter,
        row.keep_days,
        row.compress_days,
        row.late == _REFUSE,
    )


def policy_of(store: Readable, id: str) -> Policy | None:
    """The policy that decides for a point; None if its samples are kept for ever."""
    this = Compare(("id",), "==", Ref(id))
    for policy in policies():
        if any(True for _ in store.read(And((this, policy.tree)), 1)):
            return policy
    return None


def assigned(
    store: Readable,
) -> Iterator[tuple[Policy, list[tuple[HisPoint, int]]]]:
    """Each policy with the points that it decides for, and their ``hisSize``.

    Points without a valid time zone have no history, and are left out.
    """
    taken: set[str] = set()
    for policy in policies():
        points = []
        for record in store.read(policy.tree):
            with suppress(NotHistorized):
                point = HisPoint.of(record)
                if point.id not in taken:
                    points.append((point, _size(record)))
        taken.update(point.id for point, _ in points)
        yield policy, sorted(points, key=lambda found: found[0].id)


def _size(record: Mapping[str, Any]) -> int:
    size = record.get("hisSize")
    return int(size.val) if isinstance(size, Number) else 0


def cutoff(point: HisPoint, days: int, now: dt.datetime) -> int:
    """The start of the first local day that is kept, in microseconds since 1970.

    Today and as many days before it are kept.
    """
    zone = zone_of(point.tz)
    day = now.astimezone(zone).date() - dt.timedelta(days=days)
    noon = microseconds_of(dt.datetime.combine(day, dt.time(12), zone))
    start, _ = next(buckets(DAY, point.tz, noon))
    return start
