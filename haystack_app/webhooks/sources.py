"""What has happened since a webhook looked last, by the logs of its storage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from ..models import Webhook
from ..storage.changes import ADD, REMOVE, UPDATE, Change
from ..storage.errors import CursorExpired
from ..wire.record import Record
from . import events
from .events import Event
from .view import View

__all__ = ["PAGE", "changes", "overrides", "wants_changes"]

PAGE = 500
"""Entries of a log that are read at once."""


def wants_changes(webhook: Webhook) -> bool:
    return webhook.on_created or webhook.on_updated or webhook.on_removed


def changes(
    webhook: Webhook, view: View, cursor: int, now: dt.datetime
) -> tuple[list[Event], int]:
    """Events of the next entries of the change log, and the cursor after them."""
    try:
        page = view.everything.changes_since(cursor, PAGE)
    except CursorExpired as error:
        end = view.everything.changes_since(None, 1).cursor
        return [events.missed(f"changes were missed: {error}", now)], end
    wanted = {
        ADD: webhook.on_created,
        UPDATE: webhook.on_updated,
        REMOVE: webhook.on_removed,
    }
    entries = [(at, change) for at, change in page.entries if wanted[change.kind]]
    removed = {
        change.id: change.before for _, change in page.entries if change.kind == REMOVE
    }
    matching = _matching(view, [change for _, change in entries], removed)
    kept = [entry for entry in entries if entry[1].id in matching]
    shown = view.seen.shown_changes(change for _, change in kept)
    found = [
        events.changed(at, change) for (at, _), change in zip(kept, shown, strict=True)
    ]
    return found, page.cursor


def _matching(
    view: View, entries: Sequence[Change], removed: Mapping[str, Record]
) -> set[str]:
    """Ids of the entities that the webhook is for.

    Those that exist are taken as they are now, others as they were when removed.
    """
    ids = list({change.id for change in entries})
    matching = set(view.seen.versioned(view.filter, ids)) if ids else set()
    gone = removed.keys() & ids
    existing = _existing(view, gone)
    for id in gone - existing:
        if view.matches_removed(removed[id], removed):
            matching.add(id)
    return matching


def _existing(view: View, ids: set[str]) -> set[str]:
    """An id may have been given to a new entity."""
    wanted = list(ids)
    rows = view.everything.read_by_ids(wanted) if wanted else []
    return {id for id, row in zip(wanted, rows, strict=True) if row is not None}


def overrides(view: View, cursor: str) -> tuple[list[Event], str]:
    """Events of the next entries of the log of writes, and the cursor after them."""
    page = view.everything.writes_since(cursor, PAGE)
    ids = list({write.id for _, write in page.entries})
    matching = set(view.seen.versioned(view.filter, ids)) if ids else set()
    found = [
        events.overridden(key, write)
        for key, write in page.entries
        if write.id in matching
    ]
    return found, page.cursor
