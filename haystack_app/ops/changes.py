"""The change log, for whoever follows it: entries as JSON, in commit order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import orjson
from django.core.exceptions import PermissionDenied

from ..storage.changes import Change
from ..storage.errors import CursorExpired
from .registry import Context, OpError

__all__ = ["CursorExpired", "Page", "changes_after", "check_may_follow", "read_cursor"]

_LARGEST = 1_000_000
"""Characters of a page; only its first entry may be longer."""
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Page:
    """``entries`` are (place, JSON object); ``cursor`` is where the next page begins,
    ``more`` whether it has something in it already."""

    entries: list[tuple[int, str]]
    cursor: int
    more: bool

    @property
    def text(self) -> str:
        changes = ",".join(text for _, text in self.entries)
        more = "true" if self.more else "false"
        return f'{{"changes":[{changes}],"cursor":"{self.cursor}","more":{more}}}'


def read_cursor(text: str) -> int:
    """Raises OpError."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST):
        raise OpError(f"{text[:_LONGEST]!r} is not a cursor of the change log")
    return int(text)


def check_may_follow(context: Context) -> None:
    """Raises PermissionDenied for a caller that may not see every entity."""
    if context.storage.scope is not None:
        raise PermissionDenied(
            "the change log covers every entity: it is for users whose groups have"
            " no filter"
        )


def changes_after(context: Context, cursor: int | None, limit: int) -> Page:
    """What follows in the log; without a cursor only where it ends now.

    Raises PermissionDenied and CursorExpired.
    """
    check_may_follow(context)
    part = context.storage.changes_since(cursor, limit)
    entries: list[tuple[int, str]] = []
    size = 0
    for place, change in part.entries:
        text = _text(place, change)
        size += len(text)
        if entries and size > _LARGEST:
            return Page(entries, entries[-1][0], more=True)
        entries.append((place, text))
    return Page(entries, part.cursor, part.more)


def _text(place: int, change: Change) -> str:
    """Stored Hayson goes in as it is."""
    words = orjson.dumps(
        {
            "cursor": str(place),
            "at": _iso(change.at),
            "who": change.who,
            "id": change.id,
            "kind": change.kind,
        }
    ).decode()
    before, after = change.before.raw, change.after.raw
    return f'{words[:-1]},"before":{before},"after":{after}}}'


def _iso(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
