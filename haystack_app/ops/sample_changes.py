"""Changes of samples that can be undone: for the REST API and a command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..kinds.datetimes import iso_text
from ..kinds.series import instant_of
from ..storage.errors import UnknownChange
from ..storage.sample_edits import SampleChange, SampleEdit, Undone
from ..wire import hayson_writer
from .registry import Context

__all__ = [
    "UnknownChange",
    "change_json",
    "changes",
    "edits",
    "edits_json",
    "undo",
    "undone_json",
]

_LISTED = 1_000
"""Samples that an answer lists, of those that an undo left alone."""


def changes(context: Context, limit: int, id: str | None) -> list[SampleChange]:
    """The newest changes, of a point or of all that the caller may see.

    ``id`` may begin with ``@``. Raises UnknownEntity.
    """
    if id is not None:
        id = id.removeprefix("@")
        context.storage.existing(id)
    return context.storage.sample_changes(limit, id)


def edits(context: Context, change: str) -> list[SampleEdit]:
    """Raises UnknownChange."""
    return context.storage.sample_edits(change)


def undo(context: Context, change: str) -> Undone:
    """Raises UnknownChange."""
    return context.storage.undo_samples(change, user=context.username)


def change_json(change: SampleChange) -> dict[str, Any]:
    origin = change.origin
    return {
        "id": origin.change,
        "at": iso_text(change.at),
        "kind": origin.kind,
        "user": origin.user,
        "reason": origin.reason,
        "points": change.points,
        "samples": change.samples,
    }


def edits_json(found: list[SampleEdit], limit: int) -> Iterator[dict[str, Any]]:
    """The first samples of edits, a dict each; null where there is no sample."""
    rows = ((edit.id, *sample) for edit in found for sample in edit.samples)
    for (id, time, before, after), _ in zip(rows, range(limit), strict=False):
        yield {
            "id": id,
            "ts": iso_text(instant_of(time)),
            "before": _json(before),
            "after": _json(after),
        }


def undone_json(done: Undone) -> dict[str, Any]:
    return {
        "restored": done.restored,
        "conflicts": len(done.conflicts),
        "changedSince": _times(done.conflicts),
        "dropped": _times(done.dropped),
        "missing": done.missing,
    }


def _times(samples: list[tuple[str, int]]) -> list[dict[str, str]]:
    listed = samples[:_LISTED]
    return [{"id": id, "ts": iso_text(instant_of(time))} for id, time in listed]


def _json(value: Any) -> Any:
    return (
        value if value is None or type(value) is float else hayson_writer.encode(value)
    )
