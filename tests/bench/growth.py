"""How the times of reads grow with the number of entities.

A read whose answer keeps its size should take as long in a table of any size: the
exponent of its growth, the slope of log time over log entities, is then about zero.
"""

from __future__ import annotations

import argparse
from math import log
from statistics import linear_regression

from .cases import Case
from .data import Building, add_entities, build_histories
from .history_cases import his_read_cases
from .http import Http
from .questions import Questions, questions_for
from .read_cases import read_cases
from .statements import Raw
from .timing import in_turn

__all__ = ["Growth", "exponent"]

_FLAT = 0.15
"""The exponent that a read may have whose answer does not grow."""
_SAMPLES = 400_000
_SAME_SIZE = 1.2
"""Times that the bytes of an answer may grow by longer ids and names."""


class Growth:
    """``over`` are the names of reads that grow though their answers do not."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.over: list[str] = []

    def run(self) -> None:
        sizes = sorted(self.options.sizes)
        print(f"== {self.options.store}, growth")
        building = Building()
        columns = [self._times(building, size) for size in sizes]
        stored = [entities for entities, _, _ in columns]
        heads = " ".join(f"{number:>11,}" for number in stored)
        print(f"\n{'least ms at':44} {heads} {'exponent':>9}")
        for cases in zip(*(cases for _, cases, _ in columns), strict=True):
            at = columns[0][1].index(cases[0])
            self._print(cases, stored, [times[at] for _, _, times in columns])
        if self.over:
            print(f"\ngrows: {', '.join(self.over)}")

    def _times(
        self, building: Building, size: int
    ) -> tuple[int, list[Case], list[float]]:
        """Entities that are stored, the cases, and the seconds of each."""
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
        rounds = self.options.rounds
        times = [in_turn([it.ours], rounds, of_rounds=min)[0] for it in cases]
        raw.close()
        return building.stored, cases, times

    def _print(
        self, cases: tuple[Case, ...], stored: list[int], times: list[float]
    ) -> None:
        found = exponent(stored, times)
        grows = cases[-1].size > _SAME_SIZE * cases[0].size
        verdict = "larger answer" if grows else ""
        if found > _FLAT and not grows:
            verdict = "over"
            self.over.append(cases[0].name)
        shown = " ".join(f"{seconds * 1e3:11.2f}" for seconds in times)
        print(f"{cases[0].name:44} {shown} {found:9.2f} {verdict}", flush=True)


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of log time over log size: 0 is constant, 1 is linear."""
    return linear_regression(list(map(log, sizes)), list(map(log, seconds))).slope
