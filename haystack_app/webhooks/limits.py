"""Values that cross the limit of a webhook.

Which points are beyond it is remembered, so that a crossing is found whenever it is
looked for. A value that is back before anything looks, within a second or so, is not
seen: histories have it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from ..filters import NOT_TRASH
from ..filters.ast import And, Compare
from ..kinds.scalars import Number
from ..models import Webhook, WebhookCrossing
from . import events
from .events import Event
from .view import View

__all__ = ["Crossings", "crossings", "limit_text"]

_MOST = 1_000
"""Points that are looked at in one pass, for events; the others wait for the next."""


@dataclass(slots=True)
class Crossings:
    """Events, and the points that got beyond the limit or are not any more."""

    events: list[Event] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.beyond or self.back)

    def save(self, webhook: Webhook, using: str) -> None:
        rows = WebhookCrossing.objects.using(using)
        rows.filter(webhook=webhook, entity_id__in=self.back).delete()
        rows.bulk_create(
            [WebhookCrossing(webhook=webhook, entity_id=id) for id in self.beyond],
            ignore_conflicts=True,
            batch_size=_MOST,
        )


def limit_text(webhook: Webhook) -> str:
    """What is compared with what; empty without a limit."""
    if not webhook.limit_op:
        return ""
    return f"{webhook.limit_tag} {webhook.limit_op} {webhook.limit}"


def crossings(
    webhook: Webhook, view: View, now: dt.datetime, *, is_first: bool
) -> Crossings:
    """What has crossed the limit since the last pass.

    At first, points that are beyond the limit are remembered without an event.
    """
    limit, op = webhook.limit_number, webhook.limit_op
    test = Compare((webhook.limit_tag,), op, limit)
    beyond = set(view.seen.versions(And((view.filter, NOT_TRASH, test))))
    rows = WebhookCrossing.objects.filter(webhook=webhook)
    held = set(rows.values_list("entity_id", flat=True))
    if is_first:
        return Crossings([], sorted(beyond - held), sorted(held - beyond))
    found = Crossings()
    _enter(webhook, view, sorted(beyond - held)[:_MOST], now, found)
    _leave(webhook, view, islice(sorted(held - beyond), _MOST), now, found)
    return found


def _enter(
    webhook: Webhook, view: View, ids: list[str], now: dt.datetime, found: Crossings
) -> None:
    limit, op = webhook.limit_number, webhook.limit_op
    rows = view.seen.read_by_ids(ids) if ids else []
    for id, row in zip(ids, rows, strict=True):
        val = None if row is None else row.get(webhook.limit_tag)
        if _is_beyond(val, op, limit):  # it may have changed since
            found.beyond.append(id)
            found.events.append(events.crossed(id, val, op, limit, now, is_beyond=True))


def _leave(
    webhook: Webhook,
    view: View,
    candidates: Iterator[str],
    now: dt.datetime,
    found: Crossings,
) -> None:
    """Points without a value stay beyond the limit: a sensor that is down says
    nothing."""
    limit, op = webhook.limit_number, webhook.limit_op
    ids = list(candidates)
    if not ids:
        return
    matching = view.seen.versioned(And((view.filter, NOT_TRASH)), ids)
    for id in ids:
        if id not in matching:  # removed, hidden, or not of the filter any more
            found.back.append(id)
            continue
        val = matching[id][1].get(webhook.limit_tag)
        if isinstance(val, Number) and _is_back(val, op, limit, webhook.hysteresis):
            found.back.append(id)
            found.events.append(
                events.crossed(id, val, op, limit, now, is_beyond=False)
            )


def _is_beyond(val: object, op: str, limit: Number) -> bool:
    if not isinstance(val, Number) or val.unit != limit.unit:
        return False
    return val.val > limit.val if op == Webhook.ABOVE else val.val < limit.val


def _is_back(val: Number, op: str, limit: Number, hysteresis: float) -> bool:
    if val.unit != limit.unit or not val.is_finite:
        return False
    if op == Webhook.ABOVE:
        return val.val <= limit.val - hysteresis
    return val.val >= limit.val + hysteresis
