"""Writes what messages say into the store, as far as the connector sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db import DataError, IntegrityError

from ...kinds.series import microseconds_of
from ...storage.base import StorageAdapter
from ...storage.currents import Current
from ...storage.errors import StatementTimeout, StorageError
from ...storage.sample_edits import Origin
from .decoder import Column, Decoded, Shown

__all__ = ["Written", "write"]

MQTT = "mqtt"
"""Of an ``Origin``: how samples came."""
_REFUSALS = (StorageError, DataError, IntegrityError)
"""Errors that belong to a value, and come again with it."""
_TIMES = ("curTs", "curSampleTs", "hisEnd")


class Written(NamedTuple):
    """How many values were stored and refused, and why the last one was."""

    stored: int = 0
    refused: int = 0
    error: str = ""

    def plus(self, other: Written) -> Written:
        return Written(
            self.stored + other.stored,
            self.refused + other.refused,
            other.error or self.error,
        )


class _Part(NamedTuple):
    """Samples of a column from ``start`` to ``end``."""

    column: Column
    start: int
    end: int


def write(store: StorageAdapter, author: str, decoded: Decoded) -> Written:
    """Store a batch; it may be repeated.

    What the store refuses is left out, and everything else is stored. Raises every
    error that belongs to the store instead of a value.
    """
    parts = [_Part(one, 0, len(one.times)) for one in decoded.columns.values()]
    written = _halved(parts, lambda some: _samples(store, author, some), _split)
    currents = list(_newer(store, decoded.currents).items())
    return written.plus(
        _halved(currents, lambda some: _currents(store, dict(some)), lambda one: [])
    )


def _halved(
    items: list[Any],
    store: Callable[[list[Any]], int],
    split: Callable[[Any], list[Any]],
) -> Written:
    """Store items at once; if one of them is refused, the halves, and so on."""
    if not items:
        return Written()
    try:
        return Written(store(items))
    except StatementTimeout:
        raise
    except _REFUSALS as err:
        if len(items) == 1:
            items = split(items[0])
            if not items:
                return Written(0, 1, str(err).splitlines()[0])
    middle = (len(items) + 1) // 2
    first = _halved(items[:middle], store, split)
    return first.plus(_halved(items[middle:], store, split))


def _split(part: _Part) -> list[_Part]:
    if part.end - part.start == 1:
        return []
    middle = (part.start + part.end) // 2
    return [part._replace(end=middle), part._replace(start=middle)]


def _samples(store: StorageAdapter, author: str, parts: list[_Part]) -> int:
    samples = {
        part.column.target.id: part.column.samples(part.start, part.end)
        for part in parts
    }
    store.his_write_all(samples, origin=Origin(author, MQTT))
    return sum(part.end - part.start for part in parts)


def _currents(store: StorageAdapter, currents: dict[str, Current]) -> int:
    store.cur_write(currents)
    return len(currents)


def _newer(store: StorageAdapter, shown: Mapping[str, Shown]) -> dict[str, Current]:
    """The current values to write.

    A retained message is left out if the point has a value that may be newer.
    """
    found = {id: one.current for id, one in shown.items()}
    ids = [id for id, one in shown.items() if one.is_retained]
    records = store.read_by_ids(ids) if ids else []
    for id, record in zip(ids, records, strict=True):
        if record is None or record.get("curStatus") != "ok" or "curVal" not in record:
            continue
        time = shown[id].time
        stamps = (record.get(tag) for tag in _TIMES)
        last = max((microseconds_of(at.utc) for at in stamps if at), default=0)
        if time is None or not last or time <= last:
            del found[id]
    return found
