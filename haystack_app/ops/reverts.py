"""Commits of the change log, and their undo: for the REST API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from ..conf import limit
from ..kinds.datetimes import iso_text
from ..storage.changes import Change
from ..storage.errors import ChangedSince, UnknownLogEntry
from ..storage.reversal import Reversal
from .changes import change_text, read_cursor
from .registry import Context

__all__ = [
    "ChangedSince",
    "UnknownLogEntry",
    "changes_of",
    "changes_text",
    "commit_text",
    "reversal_json",
    "reverted",
]

_CONFLICTS = 1_000
"""Of each list, the entities that an answer names."""


def changes_of(context: Context, id: str, most: int) -> list[Change]:
    """Changes of an entity, the newest first. Raises UnknownEntity."""
    context.storage.existing(id)
    return context.storage.changes_of(id, most)


def commit_text(context: Context, cursor: str, most: int, *, force: bool) -> str:
    """JSON of a commit: its first entries, their number, and what an undo would do.

    Raises UnknownLogEntry and OpError.
    """
    place = read_cursor(cursor)
    entries = context.storage.commit_entries(place, limit("IDS"))
    plan = context.storage.reversal(place, force=force)
    head = {
        "at": iso_text(entries[0].at),
        "who": entries[0].who,
        "count": len(entries),
        "undo": reversal_json(plan),
    }
    text = orjson.dumps(head).decode()
    return f'{text[:-1]},"changes":{changes_text(entries[:most])}}}'


def changes_text(entries: Sequence[Change]) -> str:
    """JSON of entries, which contains the stored Hayson verbatim."""
    return f"[{','.join(change_text(one.cursor or 0, one) for one in entries)}]"


def reverted(
    context: Context,
    cursor: str,
    *,
    id: str | None,
    tag: str | None,
    partly: bool,
    force: bool,
) -> Reversal:
    """Undo a commit, an entity of it, or one of its tags.

    Raises OpError, UnknownLogEntry, ChangedSince and the errors of ``commit``.
    """
    store, place = context.storage, read_cursor(cursor)
    store.commit_entries(place, limit("IDS"))
    return store.revert(
        place, id=id, tag=tag, partly=partly, force=force, who=context.username
    )


def reversal_json(done: Reversal) -> dict[str, Any]:
    """Ids by what became of their entities, and why others stayed as they are."""
    return {
        "updated": done.updated,
        "added": done.added,
        "removed": done.removed,
        "unchanged": done.unchanged,
        "samplesLost": done.samples_lost,
        "dangling": [one._asdict() for one in done.dangling[:_CONFLICTS]],
        "conflicts": [one._asdict() for one in done.conflicts[:_CONFLICTS]],
    }
