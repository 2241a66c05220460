"""Samples of one point that follow each other in a file, in columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ..kinds.scalars import Number

__all__ = ["Row", "RunBlock", "RunCollector", "SampleRun", "row_blocks", "run_of"]

Row = tuple[int, list[str]]
"""The line of a row, and its cells."""
_CELLS = 65_536


class SampleRun(NamedTuple):
    """``positions`` are lines of a CSV file, or rows of a grid.

    ``times`` are microseconds since 1970. A float in ``values`` is a finite Number in
    the unit of the point; ``is_plain``: all of them are.
    """

    id: str
    positions: Sequence[int]
    times: list[int]
    values: list[Any]
    is_plain: bool

    def part(self, start: int, end: int) -> SampleRun:
        return self._replace(
            positions=self.positions[start:end],
            times=self.times[start:end],
            values=self.values[start:end],
        )


class RunCollector:
    """Single samples as runs of their points."""

    def __init__(self) -> None:
        self.runs: dict[str, tuple[list[int], list[int], list[Any]]] = {}
        self.size = 0

    def add(self, id: str, position: int, time: int, value: Any) -> None:
        run = self.runs.get(id)
        if run is None:
            run = self.runs[id] = [], [], []
        run[0].append(position)
        run[1].append(time)
        run[2].append(value)
        self.size += 1

    def drain(self) -> Iterator[SampleRun]:
        runs, self.runs, self.size = self.runs, {}, 0
        for id, run in runs.items():
            yield _run(id, *run, is_plain=False)


def _plain(value: Any) -> Any:
    is_finite = type(value) is Number and math.isfinite(value.val)
    return float(value.val) if is_finite else value


class RunBlock(NamedTuple):
    """The runs of some rows of a file, all of which are valid.

    ``empty`` counts the cells without a value.
    """

    rows: int
    runs: list[SampleRun]
    empty: int


def row_blocks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows in blocks of few cells, by the first row of each."""
    for row in rows:
        count = max(1, _CELLS // len(row[1]))
        yield [row, *islice(rows, count - 1)]


def run_of(
    id: str,
    positions: Sequence[int],
    times: list[int],
    values: Sequence[Any],
    *,
    is_plain: bool,
) -> SampleRun:
    """A run of the cells that have a value; the others are None."""
    if None not in values:
        kept = values if isinstance(values, list) else list(values)
        return _run(id, positions, times, kept, is_plain)
    at = [place for place, value in enumerate(values) if value is not None]
    return _run(
        id,
        [positions[place] for place in at],
        [times[place] for place in at],
        [values[place] for place in at],
        is_plain,
    )


def _run(
    id: str,
    positions: Sequence[int],
    times: list[int],
    values: list[Any],
    is_plain: bool,
) -> SampleRun:
    if is_plain:
        return SampleRun(id, positions, times, values, is_plain)
    values = list(map(_plain, values))
    is_plain = all(type(value) is float for value in values)
    return SampleRun(id, positions, times, values, is_plain)
