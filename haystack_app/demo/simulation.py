"""The life of the demo's points in a store: values, samples and commands.

Whatever moves is a function of ids and the time, the same that made the loaded
history, so that a simulation may stop and go on at any time. Of several processes
one does it: each write is in a transaction that has the task.
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
from .arrays import WHO, program
from .history import Sample, quarter_of, reading, samples, spec_of, unit_of

__all__ = ["Beat", "Simulation"]

_TASK = "simulate"
_LEASE = dt.timedelta(seconds=15)
_LONGEST_GAP = dt.timedelta(days=7)
_POINTS_A_WRITE = 25
_POINTS = "point and cur and not trash"
_SECOND = dt.timedelta(seconds=1)


@dataclass(slots=True)
class Beat:
    """How much was written."""

    currents: int = 0
    samples: int = 0
    commands: int = 0


class _Elsewhere(Exception):
    """Another process simulates."""


class Simulation:
    """One of those that may simulate a store."""

    def __init__(
        self, store: StorageAdapter, every: dt.timedelta = dt.timedelta()
    ) -> None:
        self.store = store
        self.lease = max(_LEASE, 3 * every)
        self.holder = secrets.token_hex(8)
        self._forget()

    def _forget(self) -> None:
        """Somebody else may have changed everything."""
        self.quarter: dt.datetime | None = None
        self.points: dict[str, Record] = {}
        self.shown: dict[str, Any] = {}

    def beat(self, now: dt.datetime) -> Beat | None:
        """Bring the store up to now; None where another process does.

        Commands and samples at each quarter of an hour, with those that were
        missed, current values every time.
        """
        done = Beat()
        try:
            with self._turn():
                is_due = self.quarter != quarter_of(now)
                if is_due:
                    self._look()
            if is_due:
                self._sample(now, self._command(now, done), done)
                self.quarter = quarter_of(now)
            try:
                done.currents = self._move(now)
            except StorageError:  # an entity has changed since the last look
                self._look()
                done.currents = self._move(now)
        except _Elsewhere:
            self._forget()
            return None
        except Exception:
            self._forget()
            raise
        return done

    def release(self) -> None:
        """Let another process have the task at once, if it is ours."""
        now = dt.datetime.now(dt.UTC)
        self.store.take_task(_TASK, self.holder, now, now)
        self._forget()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """A transaction that nobody else simulates in. Raises _Elsewhere."""
        with self.store.locked([]):
            now = dt.datetime.now(dt.UTC)
            if not self.store.take_task(_TASK, self.holder, now, now + self.lease):
                raise _Elsewhere
            yield

    def _look(self) -> None:
        found = {row["id"].id: row for row in self.store.read(_POINTS)}
        self.points = {id: row for id, row in found.items() if _is_as_made(id, row)}
        self.shown.clear()

    def _command(self, now: dt.datetime, done: Beat) -> dict[str, Any]:
        """Let the programs write; values of the points that others command, by id.

        A program only changes what it wrote itself.
        """
        held: dict[str, Any] = {}
        for ids in _parts([id for id, row in self.points.items() if "writable" in row]):
            with self._turn():
                for id in ids:
                    levels = self.store.levels_of(id)
                    number, val = program(id, now) or (0, None)
                    own = levels.get(number)
                    if own is not None and own.who == WHO and own.val != val:
                        self.store.point_write(id, number, val, WHO, own.expires)
                        done.commands += 1
                    first, first_val = effective(levels)
                    if levels and (first != number or levels[first].who != WHO):
                        held[id] = first_val
        return held

    def _sample(self, now: dt.datetime, held: Mapping[str, Any], done: Beat) -> None:
        ids = [id for id, row in self.points.items() if "his" in row]
        for part in _parts(ids):
            missed = {id: self._missed(id, now) for id in part}
            batch = {
                id: [(ts, held.get(id, val)) for ts, val in rows]
                for id, rows in missed.items()
                if rows
            }
            with self._turn():
                self.store.his_write_all(batch, now)
            done.samples += sum(map(len, batch.values()))

    def _missed(self, id: str, now: dt.datetime) -> list[Sample]:
        """Samples behind the end of a history, of a week at most."""
        record = self.points[id]
        if (end := record.get("hisEnd")) is None:
            start = quarter_of(now)
        else:
            start = max(end.utc + _SECOND, now - _LONGEST_GAP)
        return list(samples(record, start, quarter_of(now) + _SECOND))

    def _move(self, now: dt.datetime) -> int:
        """Write the current values that are others than before."""
        values = {id: reading(id, now) for id in self.points}
        with self._turn():
            for row in self.store.read(f"{_POINTS} and writable and writeVal"):
                if (id := row["id"].id) in values:
                    values[id] = row["writeVal"]
            moved = {
                id: Current(val)
                for id, val in values.items()
                if self.shown.get(id) != val
            }
            self.store.cur_write(moved)
        self.shown = values
        return len(moved)


def _is_as_made(id: str, record: Mapping[str, Any]) -> bool:
    """Whether an entity is a point of the demo that nobody made another of."""
    try:
        campus, spec = spec_of(id)
    except ValueError:
        return False
    made = {
        "point": MARKER,
        "kind": spec.kind,
        "unit": unit_of(campus, spec),
        "tz": campus.climate.tz,
    }
    return all(record.get(tag) == value for tag, value in made.items())


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for at in range(0, len(ids), _POINTS_A_WRITE):
        yield ids[at : at + _POINTS_A_WRITE]
