"""Deliveries are made of what has happened.

The deliveries and the place up to where the logs were read are stored in one
transaction: what a process that dies had not stored is read again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import router, transaction

from ..jobs import local
from ..models import Webhook, WebhookDelivery
from ..storage.base import StorageAdapter
from ..storage.handler import storages
from . import limits, sources
from .events import Event
from .limits import Crossings
from .view import View

__all__ = ["Ends", "add", "begin", "collect", "give_up_oldest", "has_news"]

_EVENTS = 100
"""Events of one delivery."""
_BYTES = 1024 * 1024
"""Of the events of one delivery, unless a single one is larger."""
_WAITING = 50
"""Deliveries of a webhook that wait; more are made when these have left."""
_MOST_WAITING = 1_000
"""With those of connectors, of which no log is read later."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of the logs of a storage."""

    changes: int
    writes: str

    @classmethod
    def of(cls, store: StorageAdapter) -> Ends:
        return cls(
            store.changes_since(None, 1).cursor, store.writes_since(None, 1).cursor
        )


@dataclass(slots=True)
class _Found:
    """Events, and the position after them."""

    position: dict[str, Any]
    events: list[Event] = field(default_factory=list)
    crossings: Crossings = field(default_factory=Crossings)


def has_news(webhook: Webhook, ends: Ends) -> bool:
    """Whether the logs have grown since the webhook read them, or it is new."""
    held = webhook.position
    has_grown = sources.wants_changes(webhook) and held.get("changes") != ends.changes
    return has_grown or (webhook.on_override and held.get("writes") != ends.writes)


def collect(
    webhook: Webhook,
    view: View,
    ends: Ends,
    now: dt.datetime,
    *,
    compares: bool = True,
) -> int:
    """Store deliveries of a part of what has happened. Returns how many.

    ``compares``: whether values are compared with the limit. What was not read yet
    begins at the ends of the logs.
    """
    if webhook.deliveries.waiting().count() >= _WAITING:
        return 0
    found = _found(webhook, view, ends, now, compares=compares)
    if found.position == webhook.position:
        return 0
    using = router.db_for_write(Webhook)
    with transaction.atomic(using=using):
        rows = Webhook.objects.using(using).select_for_update().filter(pk=webhook.pk)
        current = rows.first()
        if current is None or current.position != webhook.position:
            return 0  # another process was faster
        found.crossings.save(webhook, using)
        count = len(add(webhook, found.events, now))
        rows.update(position=found.position)
    webhook.position = found.position
    return count


def add(
    webhook: Webhook, found: Sequence[Event], now: dt.datetime
) -> list[WebhookDelivery]:
    """Store events as deliveries that wait."""
    rows = [
        WebhookDelivery(
            webhook=webhook, events=part, count=len(part), created=now, next_at=now
        )
        for part in _parts(found)
    ]
    return WebhookDelivery.objects.bulk_create(rows)


def give_up_oldest(webhook: Webhook) -> None:
    """Give up what waits longest, if more waits than a receiver will ever need."""
    waiting = webhook.deliveries.waiting()
    keys = list(waiting.order_by("-pk").values_list("pk", flat=True)[_MOST_WAITING:])
    if keys:
        text = f"more than {_MOST_WAITING:,} deliveries waited"
        waiting.filter(pk__lte=keys[0]).update(
            status=WebhookDelivery.Status.FAILED, error=text
        )


def _parts(found: Sequence[Event]) -> Iterator[list[Event]]:
    """Events that are sent together: not too many, and not too large."""
    part: list[Event] = []
    size = 0
    for event in found:
        length = len(orjson.dumps(event))
        if part and (len(part) == _EVENTS or size + length > _BYTES):
            yield part
            part, size = [], 0
        part.append(event)
        size += length
    if part:
        yield part


def begin(webhook: Webhook) -> None:
    """Let a webhook begin at the ends of the logs, without what has happened before.

    A storage in memory is another one in each process, which begins by itself.
    """
    store = storages[webhook.storage]
    position: dict[str, Any] = {"of": _name_of(webhook, store)}
    if store.persistent:
        ends = Ends.of(store)
        if sources.wants_changes(webhook):
            position["changes"] = ends.changes
        if webhook.on_override:
            position["writes"] = ends.writes
    Webhook.objects.filter(pk=webhook.pk).update(position=position)
    webhook.position = position


def _found(
    webhook: Webhook, view: View, ends: Ends, now: dt.datetime, *, compares: bool
) -> _Found:
    name = _name_of(webhook, view.everything)
    held = webhook.position if webhook.position.get("of") == name else {}
    found = _Found({"of": name})
    if sources.wants_changes(webhook):
        _read_changes(webhook, view, held.get("changes", ends.changes), now, found)
    if webhook.on_override:
        _read_overrides(view, held.get("writes", ends.writes), found)
    if webhook.limit_op:
        _compare(webhook, view, held, now, found, compares=compares)
    return found


def _name_of(webhook: Webhook, store: StorageAdapter) -> str:
    """Whose logs a position is of; those of a store in memory end with the process."""
    if store.persistent:
        return webhook.storage
    return f"{webhook.storage} {local.name_of_process()}"


def _compare(
    webhook: Webhook,
    view: View,
    held: Mapping[str, Any],
    now: dt.datetime,
    found: _Found,
    *,
    compares: bool,
) -> None:
    """``crossings`` counts the passes that changed something, for ``collect``."""
    text, count = held.get("limit"), held.get("crossings", 0)
    if compares:
        is_first = text != limits.limit_text(webhook)
        text = limits.limit_text(webhook)
        found.crossings = limits.crossings(webhook, view, now, is_first=is_first)
        found.events += found.crossings.events
        count += bool(found.crossings)
    found.position |= {"limit": text, "crossings": count}


def _read_changes(
    webhook: Webhook, view: View, cursor: int, now: dt.datetime, found: _Found
) -> None:
    changed, found.position["changes"] = sources.changes(webhook, view, cursor, now)
    found.events += changed


def _read_overrides(view: View, cursor: str, found: _Found) -> None:
    overridden, found.position["writes"] = sources.overrides(view, cursor)
    found.events += overridden
