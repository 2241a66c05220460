"""Large loads and writes in short transactions, so that others write in between.

All of a request is checked before anything of it is stored. One that is interrupted
leaves a part, and the same request stores the rest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace as replaced
from itertools import islice

from ..kinds.columns import SampleColumn
from ..outages import Interrupted, is_outage
from .base import StorageAdapter
from .changes import Changes
from .changeset import BATCH
from .errors import InvalidSample, StorageError
from .sample_edits import Origin
from .samples import Batch, HisPoint, Sample
from .spooled import ids_of
from .stored import Stored

__all__ = [
    "POINTS",
    "SAMPLES",
    "commit_in_parts",
    "sample_parts",
    "write_part",
    "write_samples",
]

SAMPLES = 20_000
"""Samples of one transaction."""
POINTS = 200
"""Points of one transaction: each has tags that change with its history."""

Samples = Mapping[str, SampleColumn | Sequence[Sample]]
"""Samples of points by id."""


def commit_in_parts(
    store: StorageAdapter,
    put: Sequence[Stored],
    *,
    replace: bool = False,
    who: str = "",
) -> Changes:
    """``commit``, in parts if it is large and other writers would wait for it.

    ``replace`` removes all other entities at the end. A caller with a scope may add
    refs only to what is stored in the same commit, so that is one. Raises as
    ``commit`` does; an error that comes from a change of others in the meantime says
    what is stored.
    """
    large = replace or len(put) > BATCH
    if not (large and store.splits_commits) or store.scope is not None:
        return store.commit(put, replace=replace, who=who)
    changing = set(store.changing(put))
    done = Changes(unchanged=[id for id in ids_of(put) if id not in changing])
    changed = (one for one in put if one.id in changing)
    stored = 0
    while part := list(islice(changed, BATCH)):
        with _partly(stored, len(changing), "changed entities"):
            _add(done, store.commit(part, who=who))
        stored += len(part)
        store.let_others_write()
    if replace:
        others = sorted(store.visible_ids().difference(ids_of(put)))
        for at in range(0, len(others), BATCH):
            _add(done, store.commit([], remove=others[at : at + BATCH], who=who))
            store.let_others_write()
    return done


def _add(changes: Changes, more: Changes) -> None:
    changes.created.extend(more.created)
    changes.updated.extend(more.updated)
    changes.unchanged.extend(more.unchanged)
    changes.removed.extend(more.removed)


def write_samples(
    store: StorageAdapter, samples: Samples, now: dt.datetime, origin: Origin
) -> None:
    """``his_write_all``, in parts if it is large and other writers would wait for it.

    Raises as that does; see ``commit_in_parts``.
    """
    count = sum(map(len, samples.values()))
    if not store.splits_samples or (count <= SAMPLES and len(samples) <= POINTS):
        store.his_write_all(samples, now, origin=origin)
        return
    stored = 0
    for points, part in sample_parts(store, samples):
        with _partly(stored, count, "samples"):
            write_part(store, points, part, now, origin)
        stored += sum(map(_size, part.values()))
        store.let_others_write()


def sample_parts(
    store: StorageAdapter, samples: Samples
) -> list[tuple[list[HisPoint], dict[str, Batch]]]:
    """What ``write_part`` stores one after the other, after all of it was checked.

    Raises UnknownEntity, NotHistorized or InvalidSample.
    """
    known, batches = store.his_checked(samples)
    points = {point.id: point for point, _ in known}
    return [([points[id] for id in part], part) for part in _parts(batches)]


def _parts(batches: Mapping[str, Batch]) -> Iterator[dict[str, Batch]]:
    part: dict[str, Batch] = {}
    size = 0
    for id, batch in batches.items():
        for piece in _pieces(batch):
            if part and (
                id in part or len(part) == POINTS or size + _size(piece) > SAMPLES
            ):
                yield part
                part, size = {}, 0
            part[id] = piece
            size += _size(piece)
    if part:
        yield part


def _pieces(batch: Batch) -> Iterator[Batch]:
    written = iter(batch.written.items())
    while piece := dict(islice(written, SAMPLES)):
        yield Batch(piece, [])
    for at in range(0, len(batch.removed), SAMPLES):
        yield Batch({}, batch.removed[at : at + SAMPLES])


def _size(batch: Batch) -> int:
    return len(batch.written) + len(batch.removed)


def write_part(
    store: StorageAdapter,
    points: Sequence[HisPoint],
    part: Mapping[str, Batch],
    now: dt.datetime,
    origin: Origin,
) -> None:
    """Store a part of ``sample_parts``.

    Raises InvalidSample, UnknownEntity or NotHistorized for a point that was changed
    after the samples were checked.
    """
    with store.locked(list(part)):
        known = store.his_writable(list(part))
        for (now_is, _), was in zip(known, points, strict=True):
            if replaced(now_is, dropped=was.dropped) != was:
                raise InvalidSample(f"@{was.id} was changed by others in the meantime")
            store.check_late(now_is, part[was.id])
        store.write_batches(known, part, origin, now)


@contextmanager
def _partly(stored: int, of: int, what: str) -> Iterator[None]:
    """Errors inside say how much of a request is stored, if any of it is."""
    try:
        yield
    except Exception as err:
        if not stored:
            raise
        text = f"{stored:,} of {of:,} {what} are stored; repeat it to store the rest"
        if is_outage(err):
            raise Interrupted(text) from err
        if isinstance(err, StorageError):
            raise StorageError(f"{err}: {text}") from err
        raise
