"""The body of a delivery: its events, as the owner may see them when it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from ..models import Webhook, WebhookDelivery
from ..wire.record import Record
from .events import BEFORE, CONNECTOR, Event
from .view import View

__all__ = ["MANAGE_CONNECTORS", "body_of"]

MANAGE_CONNECTORS = "manage_connectors"
"""The permission to know of connectors."""
_MOST = 1024 * 1024
"""Bytes of entities in one body; events after that have ids only."""


def body_of(delivery: WebhookDelivery, view: View) -> bytes | None:
    """JSON; None if the owner may not see any of the events."""
    webhook = delivery.webhook
    shown = list(_shown(delivery.events, view, webhook))
    if not shown:
        return None
    content = {
        "id": str(delivery.uuid),
        "webhook": webhook.name,
        "storage": webhook.storage,
        "events": shown,
    }
    return orjson.dumps(content)


def _shown(found: list[Event], view: View, webhook: Webhook) -> Iterator[Event]:
    ids = list({event["entityId"] for event in found if "entityId" in event})
    seen = dict(zip(ids, view.seen.read_by_ids(ids), strict=True)) if ids else {}
    removed = {event["entityId"]: _before(event) for event in found if BEFORE in event}
    size = 0
    for event in found:
        if (row := _entity(event, view, seen, removed)) is None:
            continue
        shown = {name: value for name, value in event.items() if name != BEFORE}
        if webhook.with_tags and row.raw != "{}":
            size += len(row.raw)
            if size <= _MOST:
                shown["entity"] = orjson.Fragment(row.raw)
            else:
                shown["isCut"] = True
        yield shown


_NONE = Record("{}")


def _entity(
    event: Event,
    view: View,
    seen: Mapping[str, Record | None],
    removed: Mapping[str, Record],
) -> Record | None:
    """The entity of an event; None if the owner may not see the event.

    An entity that was removed since, of which nothing is stored here, has no tags; an
    owner with a scope does not see it, for whether it matched is not known.
    """
    if event["kind"] == CONNECTOR:
        return _NONE if view.caller.has_permission(MANAGE_CONNECTORS) else None
    if (id := event.get("entityId")) is None:
        return _NONE
    if BEFORE in event:
        tags = _before(event)
        return tags if view.shows_removed(tags, removed) else None
    if (row := seen[id]) is not None:
        return row
    return _NONE if view.seen.scope is None else None


def _before(event: Event) -> Record:
    """The tags of a removed entity."""
    return Record(orjson.dumps(event[BEFORE]).decode())
