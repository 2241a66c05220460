"""Pages of the change log, for clients that follow it: JSON, in commit order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import orjson
from django.core.exceptions import PermissionDenied

from ..storage.changes import Change
from ..storage.errors import CursorExpired
from .registry import Context, OpError

__all__ = [
    "CursorExpired",
    "Page",
    "change_text",
    "changes_after",
    "check_may_follow",
    "read_cursor",
]

_LARGEST_PAGE = 1_000_000
"""Characters of a page; a longer first entry is a page by itself."""
_LONGEST_CURSOR = 40


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of the change log.

    ``entries`` are pairs of position and JSON object. The next page starts at
    ``cursor``; ``more`` is true if it already has entries. ``at`` is the time of the
    last entry.
    """

    entries: list[tuple[int, str]]
    cursor: int
    more: bool
    at: dt.datetime | None = None

    @property
    def text(self) -> str:
        changes = ",".join(text for _, text in self.entries)
        more = "true" if self.more else "false"
        return f'{{"changes":[{changes}],"cursor":"{self.cursor}","more":{more}}}'


def read_cursor(text: str) -> int:
    """Raises OpError."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_CURSOR):
        raise OpError(f"invalid cursor {text[:_LONGEST_CURSOR]!r}")
    return int(text)


def check_may_follow(context: Context) -> None:
    """Raises PermissionDenied for a caller that may not see every entity."""
    if context.storage.scope is not None:
        raise PermissionDenied(
            "the change log covers all entities: it is only available to users whose"
            " groups have no filter"
        )


def changes_after(context: Context, cursor: int | None, limit: int) -> Page:
    """The entries after a cursor; without one, an empty page at the end of the log.

    Raises PermissionDenied and CursorExpired.
    """
    check_may_follow(context)
    part = context.storage.changes_since(cursor, limit)
    entries: list[tuple[int, str]] = []
    size, at = 0, None
    for position, change in part.entries:
        text = change_text(position, change)
        size += len(text)
        if entries and size > _LARGEST_PAGE:
            return Page(entries, entries[-1][0], more=True, at=at)
        entries.append((position, text))
        at = change.at
    return Page(entries, part.cursor, part.more, at)


def change_text(position: int, change: Change) -> str:
    """JSON that contains the stored Hayson verbatim."""
    head = orjson.dumps(
        {
            "cursor": str(position),
            "at": _iso(change.at),
            "who": change.who,
            "id": change.id,
            "kind": change.kind,
        }
    ).decode()
    before, after = change.before.raw, change.after.raw
    return f'{head[:-1]},"before":{before},"after":{after}}}'


def _iso(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
