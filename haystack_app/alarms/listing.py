"""Alarms as far as a caller may see their points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from django.db.models import Max, QuerySet

from ..models import Alarm, AlarmTransition
from ..storage.base import StorageAdapter
from ..storage.names import record_name

__all__ = ["Summary", "is_visible", "last_transition", "rename", "seen", "summary"]

_CHUNK = 500
_CHUNKS = 20
"""That are looked through for one page."""
_MOST_OPEN = 10_000


@dataclass(slots=True)
class Summary:
    """Open alarms: counts, the highest severity of those that are not acknowledged, and
    by id of point, equipment and site how many, and their highest severity.

    ``last`` is that of all alarms and grows with each transition. ``is_cut``: there are
    more open alarms than are counted.
    """

    raised: int = 0
    acknowledged: int = 0
    severity: int = 0
    last: int = 0
    is_cut: bool = False
    entities: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, alarm: Alarm) -> None:
        severity = alarm.rule.severity
        if alarm.acknowledged_at is None:
            self.raised += 1
            self.severity = max(self.severity, severity)
        else:
            self.acknowledged += 1
        for id in {alarm.point_id, alarm.equip_id, alarm.site_id} - {""}:
            count, highest = self.entities.get(id, (0, 0))
            self.entities[id] = count + 1, max(highest, severity)


def is_visible(store: StorageAdapter, alarm: Alarm) -> bool:
    return bool(_visible(store, [alarm]))


def seen(
    store: StorageAdapter, rows: QuerySet[Alarm], size: int
) -> tuple[list[Alarm], int | None]:
    """A page of alarms in descending order of keys, and the key to go on after.

    A caller with a scope may get a page with fewer alarms that is not the last one.
    """
    found, last = _seen(store, rows, size)
    rename(store, found)
    return found, last


def rename(store: StorageAdapter, alarms: Sequence[Alarm]) -> None:
    """Give points the names that a caller with a scope sees.

    The name of an alarm may quote that of a site which the caller does not see.
    """
    if store.scope is None or not alarms:
        return
    rows = store.read_by_ids([alarm.point_id for alarm in alarms])
    for alarm, row in zip(alarms, rows, strict=True):
        alarm.dis = (row and record_name(row)) or alarm.point_id


def _seen(
    store: StorageAdapter, rows: QuerySet[Alarm], size: int
) -> tuple[list[Alarm], int | None]:
    found: list[Alarm] = []
    last: int | None = None
    # without a scope all are seen; one more tells whether there are more
    step = size + 1 if store.scope is None else _CHUNK
    for _ in range(_CHUNKS):
        part = rows if last is None else rows.filter(pk__lt=last)
        chunk = list(part[:step])
        for alarm in _visible(store, chunk):
            found.append(alarm)
            if len(found) == size:
                is_end = alarm is chunk[-1] and len(chunk) < step
                return found, None if is_end else alarm.pk
        if len(chunk) < step:
            return found, None
        last = chunk[-1].pk
    return found, last


def summary(store: StorageAdapter) -> Summary:
    """Of the open alarms of a storage whose points the caller sees."""
    found = Summary(last=last_transition())
    rows = Alarm.objects.open().filter(rule__storage=store.alias)
    columns = ("point_id", "equip_id", "site_id", "acknowledged_at", "rule__severity")
    newest = rows.select_related("rule").only(*columns).order_by("-pk")
    held = list(newest[: _MOST_OPEN + 1])
    found.is_cut = len(held) > _MOST_OPEN
    for alarm in _visible(store, held[:_MOST_OPEN]):
        found.add(alarm)
    return found


def last_transition() -> int:
    """The key of the newest transition; it grows with each of them."""
    found: int | None = AlarmTransition.objects.aggregate(last=Max("pk"))["last"]
    return found or 0


def _visible(store: StorageAdapter, alarms: Sequence[Alarm]) -> list[Alarm]:
    if store.scope is None:
        return list(alarms)
    ids = _visible_ids(store, {alarm.point_id for alarm in alarms})
    return [alarm for alarm in alarms if alarm.point_id in ids]


def _visible_ids(store: StorageAdapter, ids: Iterable[str]) -> set[str]:
    left = iter(ids)
    found: set[str] = set()
    while part := list(islice(left, _CHUNK)):
        found |= store.visible_ids(part)
    return found
