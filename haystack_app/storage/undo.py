"""Undoing changes of samples, built on the primitives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from ..wire.record import Record
from .errors import NotHistorized, UnknownChange
from .history import HistoryStore
from .sample_edits import UNDO, Edited, Origin, SampleChange, SampleEdit, Undone
from .sample_edits import same_sample as same
from .samples import Batch, HisPoint

__all__ = ["UndoStore"]

_POINTS = 50
"""Points of one transaction."""
_MOST = 1_000


class UndoStore(HistoryStore):
    def sample_changes(
        self, limit: int = 100, id: str | None = None
    ) -> list[SampleChange]:
        """Writes and imports that replaced or removed samples, the newest first.

        ``id``: of this point. With a scope, points that it hides do not count.
        """
        return self.edit_summaries(min(limit, _MOST), id)

    def sample_edits(self, change: str) -> list[SampleEdit]:
        """The edits of one change, in their order. Raises UnknownChange."""
        if not (found := self.edits_of(change)):
            raise UnknownChange(change)
        return found

    def undo_samples(
        self, change: str, *, user: str = "", now: dt.datetime | None = None
    ) -> Undone:
        """Restore the samples that a change replaced, removed or put between them.

        A sample that was changed since stays as it is, and is reported. The undo is a
        change of its own, in a transaction for every few points; if it was interrupted,
        it can be repeated. Raises UnknownChange.
        """
        wanted: dict[str, dict[int, Edited]] = {}
        for edit in self.sample_edits(change):
            held = wanted.setdefault(edit.id, {})
            for time, before, after in edit.samples:
                first = held[time][1] if time in held else before
                held[time] = time, first, after
        done, origin = Undone(), Origin(user, UNDO)
        ids = sorted(wanted)
        for at in range(0, len(ids), _POINTS):
            part = {id: wanted[id] for id in ids[at : at + _POINTS]}
            self._undo(part, done, origin, now or dt.datetime.now(dt.UTC))
        return done

    def _undo(
        self,
        wanted: Mapping[str, Mapping[int, Edited]],
        done: Undone,
        origin: Origin,
        now: dt.datetime,
    ) -> None:
        ids = list(wanted)
        with self.locked(ids):
            known: list[tuple[HisPoint, Record]] = []
            for id, record in zip(ids, self.read_by_ids(ids), strict=True):
                try:
                    if record is not None:
                        known.append((HisPoint.of(record), record))
                        continue
                except NotHistorized:
                    pass
                done.missing.append(id)
            present = self.his_at({one.id: sorted(wanted[one.id]) for one, _ in known})
            batches = {
                one.id: _restoring(one.id, wanted[one.id].values(), present, done)
                for one, _ in known
            }
            self.write_batches(known, batches, origin, now)


def _restoring(
    id: str,
    wanted: Iterable[Edited],
    present: Mapping[str, Mapping[int, Any]],
    done: Undone,
) -> Batch:
    """The batch that restores the samples of a point, if they are not changed since."""
    held = present.get(id, {})
    written: dict[int, Any] = {}
    removed: list[int] = []
    for time, before, after in sorted(wanted, key=lambda one: one[0]):
        if same(held.get(time), before):
            continue
        if not same(held.get(time), after):
            done.conflicts.append((id, time))
        elif before is None:
            removed.append(time)
        else:
            written[time] = before
    done.restored += len(written) + len(removed)
    return Batch(written, removed)
