"""Undoing changes of samples, built on the primitives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ..filters import is_trash
from ..wire.record import Record
from .errors import NotHistorized, UnknownChange
from .history import HistoryStore
from .sample_edits import UNDO, Edited, Origin, SampleChange, SampleEdit, Undone
from .sample_edits import same_sample as same
from .samples import Batch, HisPoint

__all__ = ["UndoStore"]

_POINTS = 50
_SAMPLES = 20_000
"""Points and samples of one transaction, for which others wait."""
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
        self,
        change: str,
        *,
        user: str = "",
        now: dt.datetime | None = None,
        progress: Callable[[int, int], object] = lambda done, total: None,
    ) -> Undone:
        """Restore the samples that a change replaced, removed or put between them.

        A sample that was changed since stays as it is, and is reported; likewise one
        before what a policy dropped, unless the policy keeps late samples. The undo
        is a change of its own, in short transactions; if it was interrupted, it can be
        repeated. ``progress`` is called before each with the samples that are done,
        and those of all; it may raise to stop. Raises UnknownChange.
        """
        wanted: dict[str, dict[int, Edited]] = {}
        for edit in self.sample_edits(change):
            held = wanted.setdefault(edit.id, {})
            for time, before, after in edit.samples:
                first = held[time][1] if time in held else before
                held[time] = time, first, after
        done, origin = Undone(), Origin(user, UNDO)
        finished, total = 0, sum(map(len, wanted.values()))
        for part in _parts(wanted):
            progress(finished, total)
            self._undo(part, done, origin, now or dt.datetime.now(dt.UTC))
            self.let_others_write()
            finished += sum(map(len, part.values()))
        done.missing = sorted(set(done.missing))
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
                    if record is not None and not is_trash(record):
                        known.append((HisPoint.of(record), record))
                        continue
                except NotHistorized:
                    pass
                done.missing.append(id)
            present = self.his_at({one.id: sorted(wanted[one.id]) for one, _ in known})
            batches = {
                one.id: self._restoring(one, wanted[one.id].values(), present, done)
                for one, _ in known
            }
            self.write_batches(known, batches, origin, now)

    def _restoring(
        self,
        point: HisPoint,
        wanted: Iterable[Edited],
        present: Mapping[str, Mapping[int, Any]],
        done: Undone,
    ) -> Batch:
        """The batch that restores the samples of a point, as far as it may."""
        early, late = [], list(wanted)
        if (end := point.dropped) is not None and self.refuses_late(point):
            early = [one for one in late if one[0] < end]
            late = [one for one in late if one[0] >= end]
        held = present.get(point.id, {})
        done.dropped += (
            (point.id, time)
            for time, before, _ in sorted(early, key=_time)
            if not same(held.get(time), before)
        )
        return _restoring(point.id, late, present, done)


def _parts(
    wanted: Mapping[str, Mapping[int, Edited]],
) -> Iterator[dict[str, dict[int, Edited]]]:
    """What is undone in a transaction each, by point and time."""
    part: dict[str, dict[int, Edited]] = {}
    size = 0
    for id in sorted(wanted):
        samples = iter(sorted(wanted[id].items()))
        while piece := dict(islice(samples, _SAMPLES - size)):
            part[id] = piece
            size += len(piece)
            if size == _SAMPLES or len(part) == _POINTS:
                yield part
                part, size = {}, 0
    if part:
        yield part


def _time(edit: Edited) -> int:
    return edit[0]


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
    for time, before, after in sorted(wanted, key=_time):
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
