"""How times grow with the number of entities, and with that of samples.

A read whose answer keeps its size should take as long in a table of any size: the
exponent of its growth, the slope of log time over log size, is then about zero. Times
are those of the CPU, of this process and of the database. They are divided by those of
a view with a constant statement, measured in turn: the machine may have other load at
one size than at another.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from math import log
from statistics import linear_regression
from typing import NamedTuple

from haystack_app.monitoring.stores import store_facts
from haystack_app.sql.tables import HISTORY
from haystack_app.storage.handler import storages

from .cases import Case
from .cpu import Cpu
from .data import (
    Building,
    add_entities,
    add_histories,
    build_histories,
    remove_samples,
)
from .history_cases import his_fold_case, his_read_cases, his_write_cases
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


class _Timed(NamedTuple):
    """``relative`` is to the view with a constant statement."""

    case: Case
    seconds: float
    relative: float


class _Measured(NamedTuple):
    stored: int
    times: list[_Timed]


class Growth:
    """``over`` are the names of cases that grow though their answers do not."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.over: list[str] = []

    def run(self) -> None:
        options = self.options
        print(f"== {options.store}, growth")
        building = Building()
        self._print(
            "entities", [self._entities(building, size) for size in options.sizes]
        )
        self._print("samples", [self._samples(building, n) for n in options.histories])
        if self.over:
            print(f"\ngrows: {', '.join(self.over)}")

    def _entities(self, building: Building, size: int) -> _Measured:
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
        times = self._timed(http, cases)
        raw.close()
        return _Measured(building.stored, times)

    def _samples(self, building: Building, size: int) -> _Measured:
        """Reads of one point, and writes to points without samples."""
        options, history = self.options, self.history
        add_histories(building, history, size)
        http, raw = Http(), Raw()
        [tags] = storages["default"].read_by_ids(history.empty[:1])
        assert tags is not None
        cases = [
            *his_read_cases(http, raw, history, options.rows),
            his_fold_case(http, raw, history, options.rows),
        ]
        times = self._timed(http, cases)
        written, rounds = options.rows // 10, options.rounds
        writes = his_write_cases(http, raw, history, tags.tags, written, rounds)
        times += self._timed(http, writes)
        raw.close()
        remove_samples(history.empty)
        if held := store_facts(storages["default"]).tables.get(HISTORY):
            each = held / history.total
            print(f"{history.total:,} samples: {held:,} bytes, {each:.0f} each")
        return _Measured(history.total, times)

    def _timed(self, http: Http, cases: Iterable[Case]) -> list[_Timed]:
        constant = http.rows_of(Query("SELECT '{}'", []))
        found = []
        cpu = Cpu()
        for case in cases:
            calls = [case.ours, constant]
            if case.once:  # it compares what both sides have written
                calls.append(case.theirs)
            ours, clock, *_ = in_turn(
                calls, self.options.rounds, once=case.once, clock=cpu
            )
            found.append(_Timed(case, ours, ours / clock))
        return found

    def _print(self, of: str, measured: list[_Measured]) -> None:
        stored = [one.stored for one in measured]
        heads = " ".join(f"{number:>11,}" for number in stored)
        print(f"\n{f'median ms of CPU at {of}':44} {heads} {'exponent':>9}")
        for times in zip(*(one.times for one in measured), strict=True):
            self._print_case(stored, times)

    def _print_case(self, stored: list[int], times: tuple[_Timed, ...]) -> None:
        found = exponent(stored, [one.relative for one in times])
        name, sizes = times[0].case.name, [one.case.size for one in times]
        grows = max(sizes) > _SAME_SIZE * min(sizes)
        verdict = "larger answer" if grows else ""
        if found > _FLAT and not grows:
            verdict = "over"
            self.over.append(name)
        shown = " ".join(f"{one.seconds * 1e3:11.2f}" for one in times)
        print(f"{name:44} {shown} {found:9.2f} {verdict}", flush=True)


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of log time over log size: 0 is constant, 1 is linear."""
    return linear_regression(list(map(log, sizes)), list(map(log, seconds))).slope
