"""Signals of what a store has committed.

They are sent after the commit, in the thread of the commit, once for each change.
Errors of receivers are logged, for the changes are stored. Receivers must not rely on
the signals, for a process that dies after its commit sends nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.dispatch import Signal

from ..kinds.series import instant_of
from .samples import Batch

__all__ = [
    "SampleSpan",
    "announce",
    "connector_status_changed",
    "entities_changed",
    "point_written",
    "samples_written",
    "send",
    "spans",
]

entities_changed = Signal()
"""Entities were created, updated or removed, or their transient tags were set.

``alias`` of the storage, ``ids`` (a frozenset of str), ``logged``: whether the change
log grew, as it does by persistent changes."""

samples_written = Signal()
"""Samples of points were written or removed.

``alias`` of the storage, ``samples``: a dict of ``SampleSpan`` by id of point, and
``origin``: an ``Origin`` with ``user`` and ``kind``, or None if the server wrote them
itself. Samples that a policy drops, that are deleted with their point, or that are
copied with a whole store, are not announced."""

point_written = Signal()
"""A level of a priority array was set, was released or has expired.

``alias`` of the storage, ``write``: the ``LevelWrite`` of the log of writes."""

connector_status_changed = Signal()
"""The status of a connector has changed.

``connector`` with ``name`` and ``storage``, ``status`` (``ok``, ``new``, or what is
wrong), ``error``: a text without secrets, empty if nothing is wrong. Sent by the
process that runs the connector, after the status is stored."""


class SampleSpan(NamedTuple):
    """Samples of one point in one write: first and last time in UTC, and counts."""

    start: dt.datetime
    end: dt.datetime
    written: int
    removed: int


def spans(batches: Mapping[str, Batch]) -> dict[str, SampleSpan]:
    """The spans of the batches that are not empty."""
    return {id: _span(batch) for id, batch in batches.items() if batch}


def _span(batch: Batch) -> SampleSpan:
    times = [*batch.removed]
    if batch.written:  # in order
        times += [next(iter(batch.written)), next(reversed(batch.written))]
    first, last = instant_of(min(times)), instant_of(max(times))
    return SampleSpan(first, last, len(batch.written), len(batch.removed))


def send(signal: Signal, **what: Any) -> None:
    """Send a signal; Django logs receivers that fail, as ``django.dispatch``."""
    signal.send_robust(sender=None, **what)


def announce(alias: str, ids: Collection[str], *, logged: bool) -> None:
    """Send ``entities_changed``."""
    send(entities_changed, alias=alias, ids=frozenset(ids), logged=logged)
