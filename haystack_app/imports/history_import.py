"""Stores the samples of a file, part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import IO, Any

from ..jobs import JobContext, JobFailed
from ..models import FileImport
from ..ops import Context
from ..storage.base import StorageAdapter
from ..storage.sample_edits import IMPORT, Origin
from ..storage.stored import new_id
from ..transfer.his_import import Samples
from ..wire.files import UnreadableFile
from . import spool
from .corrections import Corrections
from .errors import reason_of
from .history import CheckedHistory, HistoryFile
from .rights import CHANGE_ENTITY

__all__ = ["import_history"]

_NAMED = 1_000
Within = Callable[..., Context]
"""The store with the rights of now; of another permission, if it is given."""


def import_history(
    context: JobContext, within: Within, found: FileImport, given: Corrections
) -> dict[str, Any]:
    """Check the file again, make its points, and store its samples.

    ``within`` is the store with the rights of now. Raises ValueError.
    """
    begun = context.checkpoint or {"parts": 0, "change": new_id(), "made": []}
    if begun.get("mapping") is not None:  # its points exist since then
        given = replace(given, mapping=begun["mapping"])
    path = spool.file_of(found)
    store = within().storage

    def reading(_: IO[bytes]) -> None:
        context.check()

    context.progress(0, None, "checking")
    checked = HistoryFile(store, path, given).check(lambda _: None, reading)
    left_out = _left_out(checked)
    if context.checkpoint is None:
        begun = _with_points(context, within, checked, begun)
    counts = checked.result
    total = counts.samples + counts.repeated + counts.removed
    origin = Origin(
        within().username, IMPORT, begun["change"], reason=found.name, is_whole=True
    )
    parts = _Parts(context, within, origin, begun)
    context.progress(0, total, "storing")
    result = checked.store(parts, reading)
    return {
        "kind": "history",
        "rows": result.rows,
        "samples": result.samples,
        "repeated": result.repeated,
        "removed": result.removed,
        "leftOut": left_out,
        "pointCount": len(result.points),
        "points": sorted(result.points)[:_NAMED],
        "created": begun["made"],
        "first": checked.as_times()[0],
        "last": checked.as_times()[1],
        "change": begun["change"] if _is_kept(store, begun["change"]) else None,
    }


def _left_out(checked: CheckedHistory) -> int:
    """How many invalid rows are left out. Raises JobFailed for too many."""
    try:
        return sum(map(len, checked.left_out().values()))
    except UnreadableFile as err:
        raise JobFailed(reason_of(err)) from None


def _with_points(
    context: JobContext, within: Within, checked: CheckedHistory, begun: dict[str, Any]
) -> dict[str, Any]:
    """Make the missing points in a step, and remember what headers mean."""
    made, modes = checked.new_points, checked.points_without_mode()
    begun = {
        **begun,
        "mapping": checked.mapping() if made else None,
        "made": [tags["id"].id for tags in made][:_NAMED],
    }
    with context.step(begun):
        now = within(CHANGE_ENTITY) if made or modes else within()
        if made:
            now.storage.load_entities(made, who=now.username)
        if modes:
            now.storage.update_entities(modes, force=True, who=now.username)
    return begun


class _Parts:
    """Stores parts of an import, from the first that is not stored yet."""

    def __init__(
        self,
        context: JobContext,
        within: Within,
        origin: Origin,
        begun: Mapping[str, Any],
    ) -> None:
        self.context, self.within, self.origin = context, within, origin
        self.begun = begun
        self.number = self.samples = 0

    def __call__(self, samples: Samples) -> None:
        self.number += 1
        self.samples += sum(map(len, samples.values()))
        if self.number <= self.begun["parts"]:
            self.context.progress(self.samples)
            return
        now = self.within()
        with self.context.step({**self.begun, "parts": self.number}, self.samples):
            now.storage.his_write_all(samples, now.now, origin=self.origin)


def _is_kept(store: StorageAdapter, change: str) -> bool:
    """Whether the import changed anything that an undo can restore."""
    return bool(store.edits_of(change, limit=1))
