"""All cases on one store, and the table that is printed."""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from itertools import chain
from typing import cast

from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter

from . import memory
from .cases import Case, utc_text
from .data import START, Building, History, build_entities, build_histories
from .edit_cases import edit_cases
from .explain import print_plans
from .fold_cases import fold_cases
from .frame_cases import frame_cases
from .history_cases import his_read_cases, his_write_cases
from .http import TYPES, Http
from .live import live_cases
from .parsing import SIZES, parsing_costs
from .questions import Questions, questions_for
from .read_cases import read_cases
from .reading import reading_costs
from .redis_cases import fill, redis_cases
from .redis_servers import URLS
from .statements import Raw
from .timing import in_turn

__all__ = ["Bench"]

_MEMORY_LIMIT = 50 * 1024 * 1024
_STREAMS = {
    **{format: ("/api/hisRead", it) for format, it in TYPES.items()},
    "CSV": ("/api/history/", "text/csv"),
    "Arrow": ("/api/history/", "application/vnd.apache.arrow.stream"),
    "Parquet": ("/api/history/", "application/vnd.apache.parquet"),
}
_LINEAR = 1.5
"""Times the cost a character may grow from the shortest filter to the longest."""
_TWICE = 2.4
"""Times a reader may take for twice the rows; the processor's caches cost some."""
_ROWS_TO_READ = 2_000


class Bench:
    """``over`` are the names of cases that missed their targets."""

    def __init__(self, options: argparse.Namespace, samples: int) -> None:
        self.options = options
        self.samples = samples
        self.on_timescale = options.store == "timescale"
        self.over: list[str] = []

    def run(self) -> None:
        options = self.options
        print(f"== {options.store}")
        building = build_entities(options.entities)
        rate = building.stored / building.seconds
        print(
            f"{building.stored:,} entities, {building.sites} sites"
            f" ({rate:,.0f}/s through the adapter)"
        )
        questions = questions_for(building.sample, building.copies, options.rows)
        history = build_histories(building, self.samples)
        rate = history.total / history.seconds
        print(
            f"{history.total:,} samples of {len(history.points) + 1} points"
            f" ({rate:,.0f}/s by SQL)\n"
        )
        for name, filter in questions.filters().items():
            print(f"{name}: {filter}")
        http, raw = Http(), Raw()
        [tags] = storages["default"].read_by_ids(history.empty[:1])
        assert tags is not None
        self._heading()
        for case in chain(
            read_cases(http, raw, questions, options.rows),
            his_read_cases(http, raw, history, options.rows),
            frame_cases(http, raw, history) if raw.postgres else (),
            his_write_cases(
                http, raw, history, tags.tags, options.rows // 10, options.rounds
            ),
            live_cases(http, raw, options.rows) if raw.postgres else (),
            fold_cases(raw, building) if self.on_timescale else (),
            edit_cases(raw, building, history, options.rows // 10, options.rounds),
        ):
            self._time(case)
        raw.close()
        self._redis(http, building, questions, history)
        self._memory(history)
        self._parsing()
        self._reading()
        print_plans(cast(OrmAdapter, storages["default"]), questions.filters())
        if self.over:
            print(f"\nover target: {', '.join(self.over)}")

    def _redis(
        self, http: Http, building: Building, questions: Questions, history: History
    ) -> None:
        for alias in URLS:
            if alias not in storages:
                print(f"\n{alias} is left out: no server")
                continue
            start = time.perf_counter()
            fill(alias, building, history, self.options.rows)
            rate = building.stored / (time.perf_counter() - start)
            print(f"\n{alias}: {rate:,.0f} entities/s through the adapter")
            for case in redis_cases(
                alias,
                http,
                questions,
                history,
                self.options.rows,
                self.options.rounds,
            ):
                self._time(case)

    def _heading(self) -> None:
        print("\nours / beside, / a bare view without a login, / the statement alone")
        print(
            f"{'case':44} {'ours ms':>9} {'beside ms':>9} {'/ beside':>8}"
            f" {'/ bare':>7} {'/ SQL':>7} {'target':>6}       beside"
        )

    def _time(self, case: Case) -> None:
        if self.options.profile and self.options.profile in case.name:
            self._profile(case)
        others = list(dict.fromkeys(filter(None, (case.theirs, case.bare, case.sql))))
        seconds = in_turn([case.ours, *others], self.options.rounds, once=case.once)
        ours, *theirs = seconds
        ratios = {
            call: ours / of_it for call, of_it in zip(others, theirs, strict=True)
        }
        floors = " ".join(
            f"{ratios[call]:7.1f}" if call else f"{'-':>7}"
            for call in (case.bare, case.sql)
        )
        ratio = ratios[case.theirs]
        print(
            f"{case.name:44} {ours * 1e3:9.2f} {theirs[0] * 1e3:9.2f} {ratio:8.2f}"
            f" {floors} {self._verdict(case.name, ratio, case.target)} {case.beside}",
            flush=True,
        )

    def _verdict(self, name: str, found: float, target: float) -> str:
        """Targets are set for TimescaleDB; elsewhere the numbers stand alone."""
        if not self.on_timescale:
            return f"{'-':>6}     "
        if found > target:
            self.over.append(name)
        return f"{target:6g} {'over' if found > target else 'OK':4}"

    def _profile(self, case: Case) -> None:
        """Our side of one case, where the time goes."""
        profiler = cProfile.Profile()
        case.ours()
        profiler.runcall(case.ours)
        print()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)

    def _memory(self, history: History) -> None:
        span = utc_text(START), utc_text(history.long_end)
        print(f"\npeak memory while {history.long_count:,} samples stream out")
        for format, (path, media_type) in _STREAMS.items():
            found = memory.streamed(history.long, *span, media_type, path)
            # Parquet takes less than a byte for a sample of a pattern
            if found["bytes"] < history.long_count // 10:
                raise AssertionError(f"{found['bytes']} bytes came out")
            growth = found["growth"]
            verdict = "OK" if growth < _MEMORY_LIMIT else "over"
            if verdict == "over":
                self.over.append(f"memory, {format}")
            print(
                f"  {format:8} +{growth / 2**20:5.1f} MB for {found['bytes'] / 2**20:6.1f}"
                f" MB in {found['seconds']:.1f} s   target < 50 MB {verdict}",
                flush=True,
            )

    def _parsing(self) -> None:
        sizes = "".join(f"{size:>10,}" for size in SIZES)
        print(f"\nfilter parsing, ns a character   at{sizes}   growth")
        for found in parsing_costs(self.options.rounds):
            costs = "".join(f"{found.cost[size]:10.0f}" for size in SIZES)
            verdict = "linear" if found.growth < _LINEAR else "over"
            if verdict == "over":
                self.over.append(f"parsing {found.shape}")
            print(f"  {found.shape:31}  {costs}   {found.growth:5.2f} {verdict}")

    def _reading(self) -> None:
        rows = min(self.options.rows, _ROWS_TO_READ)
        print(f"\nreading grids, ms at{rows:>10,} rows{2 * rows:>10,} rows   growth")
        for found in reading_costs(rows, self.options.rounds):
            verdict = "linear" if found.ratio < _TWICE else "over"
            if verdict == "over":
                self.over.append(f"reading {found.format}")
            print(
                f"  {found.format:10} {found.size / 1024:6.0f} KiB"
                f" {found.once * 1e3:9.1f} {found.twice * 1e3:15.1f}"
                f"   {found.ratio:8.2f} {verdict}",
                flush=True,
            )
