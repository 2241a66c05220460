"""How the times of reads grow with the number of entities.

A read whose answer keeps its size should take as long in a table of any size: the
exponent of its growth, the slope of log time over log entities, is then about zero.
Times are divided by those of a view with a constant statement, measured in turn: the
machine may have other load at one size than at another.
"""

from __future__ import annotations

import argparse
from math import log
from statistics import linear_regression
from typing import NamedTuple

from .cases import Case
from .data import Building, add_entities, build_histories
from .history_cases import his_read_cases
from .http import Http
from .questions import Questions, questions_for
from .read_cases import read_cases
from .statements import Query, Raw
from .timing import in_turn

__all__ = ["Growth", "exponent"]

_FLAT = 0.15
"""The exponent that a read may have whose answer does not grow."""
_SAMPLES = 400_000
_SAME_SIZE = 1.2
"""Times that the bytes of an answer may grow by longer ids and names."""


class _Read(NamedTuple):
    """``relative`` is to the view with a constant statement."""

    case: Case
    seconds: float
    relative: float


class _Measured(NamedTuple):
    stored: int
    reads: list[_Read]


class Growth:
    """``over`` are the names of reads that grow though their answers do not."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.over: list[str] = []

    def run(self) -> None:
        print(f"== {self.options.store}, growth")
        building = Building()
        at_sizes = [self._measured(building, size) for size in self.options.sizes]
        stored = [one.stored for one in at_sizes]
        heads = " ".join(f"{number:>11,}" for number in stored)
        print(f"\n{'median ms at':44} {heads} {'exponent':>9}")
        for read in zip(*(one.reads for one in at_sizes), strict=True):
            self._print(stored, read)
        if self.over:
            print(f"\ngrows: {', '.join(self.over)}")

    def _measured(self, building: Building, size: int) -> _Measured:
        first = not building.stored
        add_entities(building, size)
        rows = self.options.rows
        if first:
            self.questions: Questions = questions_for(
                building.sample, building.copies, rows
            )
            samples = min(self.options.samples or _SAMPLES, _SAMPLES)
            self.history = build_histories(building, samples)
        http, raw = Http(), Raw()
        cases = [
            *read_cases(http, raw, self.questions, rows),
            *his_read_cases(http, raw, self.history, rows),
        ]
        constant = http.rows_of(Query("SELECT '{}'", []))
        reads = []
        for case in cases:
            ours, clock = in_turn([case.ours, constant], self.options.rounds)
            reads.append(_Read(case, ours, ours / clock))
        raw.close()
        return _Measured(building.stored, reads)

    def _print(self, stored: list[int], read: tuple[_Read, ...]) -> None:
        found = exponent(stored, [one.relative for one in read])
        name, sizes = read[0].case.name, [one.case.size for one in read]
        grows = max(sizes) > _SAME_SIZE * min(sizes)
        verdict = "larger answer" if grows else ""
        if found > _FLAT and not grows:
            verdict = "over"
            self.over.append(name)
        shown = " ".join(f"{one.seconds * 1e3:11.2f}" for one in read)
        print(f"{name:44} {shown} {found:9.2f} {verdict}", flush=True)


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of log time over log size: 0 is constant, 1 is linear."""
    return linear_regression(list(map(log, sizes)), list(map(log, seconds))).slope
