"""Simulation of the demo's points in a store: values, samples and commands.

All values are functions of ids and the time, the same functions as for the loaded
history, so that a simulation may be stopped and continued at any time. Only one of
several processes simulates: each write is in a transaction that owns the task.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..kinds.scalars import MARKER
from ..storage.base import StorageAdapter
from ..storage.currents import Current
from ..storage.errors import StorageError
from ..storage.priority_array import effective
from ..wire.record import Record
from .history import Sample, quarter_of, reading, samples, spec_of, unit_of
from .priority_arrays import WHO, program

__all__ = ["Simulation", "StepCounts"]

_TASK = "simulate"
_LEASE = dt.timedelta(seconds=15)
_MAX_GAP = dt.timedelta(days=7)
_POINTS_PER_WRITE = 25
_POINTS = "point and cur and not trash"
_SECOND = dt.timedelta(seconds=1)


@dataclass(slots=True)
class StepCounts:
    """What one step wrote, in counts."""

    currents: int = 0
    samples: int = 0
    commands: int = 0


class _NotOwner(Exception):
    """Another process owns the task."""


class Simulation:
    """The simulation of a store by one process."""

    def __init__(
        self, store: StorageAdapter, every: dt.timedelta = dt.timedelta()
    ) -> None:
        self.store = store
        self.lease = max(_LEASE, 3 * every)
        self.owner = secrets.token_hex(8)
        self._reset()

    def _reset(self) -> None:
        """Drop all state: another process may have changed the store."""
        self.quarter: dt.datetime | None = None
        self.points: dict[str, Record] = {}
        self.last_values: dict[str, Any] = {}

    def step(self, now: dt.datetime) -> StepCounts | None:
        """Bring the store up to ``now``. Returns None if another process does.

        Commands and samples are written once per quarter of an hour, including missed
        samples; current values are written at every step.
        """
        counts = StepCounts()
        try:
            with self._owned_transaction():
                is_due = self.quarter != quarter_of(now)
                if is_due:
                    self._reload()
            if is_due:
                overrides = self._write_commands(now, counts)
                self._write_samples(now, overrides, counts)
                self.quarter = quarter_of(now)
            try:
                counts.currents = self._write_currents(now)
            except StorageError:  # an entity has changed since the last reload
                self._reload()
                counts.currents = self._write_currents(now)
        except _NotOwner:
            self._reset()
            return None
        except Exception:
            self._reset()
            raise
        return counts

    def release(self) -> None:
        """Release the task, if this process owns it, for other processes."""
        now = dt.datetime.now(dt.UTC)
        self.store.take_task(_TASK, self.owner, now, now)
        self._reset()

    @contextmanager
    def _owned_transaction(self) -> Iterator[None]:
        """A transaction in which this process owns the task. Raises _NotOwner."""
        with self.store.locked([]):
            now = dt.datetime.now(dt.UTC)
            if not self.store.take_task(_TASK, self.owner, now, now + self.lease):
                raise _NotOwner
            yield

    def _reload(self) -> None:
        rows = {row["id"].id: row for row in self.store.read(_POINTS)}
        self.points = {id: row for id, row in rows.items() if _is_unmodified(id, row)}
        self.last_values.clear()

    def _write_commands(self, now: dt.datetime, counts: StepCounts) -> dict[str, Any]:
        """Write the levels of the control programs.

        A program changes only a level that it wrote itself. Returns the values of
        points that are commanded by other levels or users, by id.
        """
        overrides: dict[str, Any] = {}
        writable = [id for id, row in self.points.items() if "writable" in row]
        for ids in _batches(writable):
            with self._owned_transaction():
                for id in ids:
                    levels = self.store.levels_of(id)
                    number, val = program(id, now) or (0, None)
                    own = levels.get(number)
                    if own is not None and own.who == WHO and own.val != val:
                        self.store.point_write(id, number, val, WHO, own.expires)
                        counts.commands += 1
                    first, first_val = effective(levels)
                    if levels and (first != number or levels[first].who != WHO):
                        overrides[id] = first_val
        return overrides

    def _write_samples(
        self, now: dt.datetime, overrides: Mapping[str, Any], counts: StepCounts
    ) -> None:
        historized = [id for id, row in self.points.items() if "his" in row]
        for ids in _batches(historized):
            missed = {id: self._missed_samples(id, now) for id in ids}
            batch = {
                id: [(ts, overrides.get(id, val)) for ts, val in rows]
                for id, rows in missed.items()
                if rows
            }
            with self._owned_transaction():
                self.store.his_write_all(batch, now)
            counts.samples += sum(map(len, batch.values()))

    def _missed_samples(self, id: str, now: dt.datetime) -> list[Sample]:
        """Samples after the end of the history, for a week at most."""
        record = self.points[id]
        if (end := record.get("hisEnd")) is None:
            start = quarter_of(now)
        else:
            start = max(end.utc + _SECOND, now - _MAX_GAP)
        return list(samples(record, start, quarter_of(now) + _SECOND))

    def _write_currents(self, now: dt.datetime) -> int:
        """Write the current values that have changed. Returns their number."""
        values = {id: reading(id, now) for id in self.points}
        with self._owned_transaction():
            for row in self.store.read(f"{_POINTS} and writable and writeVal"):
                if (id := row["id"].id) in values:
                    values[id] = row["writeVal"]
            changed = {
                id: Current(val)
                for id, val in values.items()
                if self.last_values.get(id) != val
            }
            self.store.cur_write(changed)
        self.last_values = values
        return len(changed)


def _is_unmodified(id: str, record: Mapping[str, Any]) -> bool:
    """Whether an entity is a point of the demo with its original kind and unit."""
    try:
        campus, spec = spec_of(id)
    except ValueError:
        return False
    original = {
        "point": MARKER,
        "kind": spec.kind,
        "unit": unit_of(campus, spec),
        "tz": campus.climate.tz,
    }
    return all(record.get(tag) == value for tag, value in original.items())


def _batches(ids: list[str]) -> Iterator[list[str]]:
    for at in range(0, len(ids), _POINTS_PER_WRITE):
        yield ids[at : at + _POINTS_PER_WRITE]
