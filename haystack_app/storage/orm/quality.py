"""Data quality of histories in SQL, for batches of points.

One statement counts, finds the usual interval, the gaps and flat lines. Another one is
for few points: the samples later than now where the newest sample is not known to be
past. What the numbers mean is
defined by ``storage.quality``; tests compare both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...kinds.series import instant_of, microseconds_of
from ...sql.arrays import text_array
from ...sql.quality import POSTGRES, SQLITE, Statements
from ..quality import GAP, Findings, Window
from .sqlite_history import sqlite_text

__all__ = ["findings"]

_BATCH = 500
_COUNTS = (
    *("size", "outside", "mismatched", "na"),
    *("interval", "gaps", "gap", "gap_start", "flat", "flat_start"),
)
_Row = tuple[Any, ...]


def findings(
    connection: BaseDatabaseWrapper, windows: Sequence[Window]
) -> list[Findings]:
    """What each window has, in the same order."""
    dialect = _Postgres if connection.vendor == "postgresql" else _Sqlite
    found: dict[int, Findings] = {}
    with connection.cursor() as cursor:
        for places in _batches(windows):
            batch = _batch(dialect(cursor), [windows[place] for place in places])
            found.update(zip(places, batch, strict=True))
    return [found[place] for place in range(len(windows))]


def _batches(windows: Sequence[Window]) -> Iterator[list[int]]:
    """Places of windows with the same times.

    The times are constants of a statement, so that the planner knows how many samples
    a point has, and leaves out chunks.
    """
    groups: dict[tuple[int, int, int], list[int]] = {}
    for place, window in enumerate(windows):
        groups.setdefault(_span(window), []).append(place)
    for places in groups.values():
        for at in range(0, len(places), _BATCH):
            yield places[at : at + _BATCH]


def _span(window: Window) -> tuple[int, int, int]:
    return window.start, window.end, window.now


def _batch(dialect: _Dialect, windows: Sequence[Window]) -> list[Findings]:
    found = [Findings(newest=window.last) for window in windows]
    statements = dialect.statements
    for place, counts in dialect.rows(statements.counts, windows, range(len(windows))):
        named = dict(zip(_COUNTS, counts, strict=True))
        found[place] = replace(found[place], **named)
    unsettled = [place for place, one in enumerate(windows) if one.is_unsettled]
    for place, (newest, future) in dialect.rows(statements.ends, windows, unsettled):
        found[place] = replace(found[place], newest=newest, future=future)
    return found


class _Dialect:
    """Runs the statements of a database."""

    statements: Statements

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def rows(
        self, statement: str, windows: Sequence[Window], places: Sequence[int]
    ) -> Iterable[tuple[int, _Row]]:
        """Rows of a statement by the place of their window."""
        if not places:
            return
        self.cursor.execute(
            statement, self.parameters([windows[place] for place in places])
        )
        for n, *row in self.cursor.fetchall():
            yield places[n], self.decoded(row)

    def parameters(self, windows: Sequence[Window]) -> dict[str, Any]:
        raise NotImplementedError

    def decoded(self, row: Sequence[Any]) -> _Row:
        return tuple(row)


class _Postgres(_Dialect):
    statements = POSTGRES

    def parameters(self, windows: Sequence[Window]) -> dict[str, Any]:
        start, end, now = _span(windows[0])
        return {
            "ids": text_array(window.id for window in windows),
            "kinds": [window.kind for window in windows],
            "lows": [window.low for window in windows],
            "highs": [window.high for window in windows],
            "flats": [_duration(window.flat) for window in windows],
            "start": instant_of(start),
            "end": instant_of(end),
            "now": instant_of(now),
            "gap": GAP,
        }

    def decoded(self, row: Sequence[Any]) -> _Row:
        return tuple(map(_number, row))


def _duration(microseconds: int | None) -> dt.timedelta | None:
    return None if microseconds is None else dt.timedelta(microseconds=microseconds)


def _number(value: Any) -> Any:
    """Counts as int, times and durations in microseconds."""
    if value is None or type(value) is int:
        return value
    if hasattr(value, "tzinfo"):
        return microseconds_of(value)
    if hasattr(value, "total_seconds"):
        return (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    return int(value)


class _Sqlite(_Dialect):
    statements = SQLITE

    def parameters(self, windows: Sequence[Window]) -> dict[str, Any]:
        rows = [(one.id, one.kind, one.low, one.high, one.flat) for one in windows]
        start, end, now = map(sqlite_text, _span(windows[0]))
        return {
            "windows": orjson.dumps(rows).decode(),
            "start": start,
            "end": end,
            "now": now,
            "gap": GAP,
        }
