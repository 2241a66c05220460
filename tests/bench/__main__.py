"""Measure the server beside hand-written SQL.

    make bench ARGS="--store timescale --samples 1000000"
    make bench ARGS="--growth --sizes 2000,10000"

Without --store: TimescaleDB if its server is there, and SQLite. Every store is
a process of its own. TIMESCALE_DSN and POSTGRES_DSN say where servers are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

from . import scratch
from .scratch import STORES, Unreachable

SAMPLES = {"timescale": 10_000_000, "postgres": 10_000_000, "sqlite": 1_000_000}
QUICK = ["--entities", "1500", "--samples", "20000", "--rounds", "1", "--rows", "100"]
QUICK += ["--sizes", "1500,4500", "--histories", "20000,60000"]


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("make bench", description=__doc__.split("\n")[0])
    parser.add_argument("--store", choices=STORES, help="only this one")
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument(
        "--samples", type=int, help="default: 10,000,000, on SQLite 1,000,000"
    )
    parser.add_argument(
        "--rows", type=int, default=10_000, help="of large answers (10,000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=21, help="measurements of each side (21)"
    )
    parser.add_argument("--quick", action="store_true", help="small: does it run?")
    parser.add_argument("--keep", action="store_true", help="keep the database")
    parser.add_argument("--profile", metavar="WORD", help="profile cases named so")
    parser.add_argument(
        "--growth",
        action="store_true",
        help="how times grow with the entities, and with the samples",
    )
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=[20_000, 100_000, 400_000],
        help="numbers of entities (20000,100000,400000)",
    )
    parser.add_argument(
        "--histories",
        type=_sizes,
        default=[500_000, 2_000_000],
        help="numbers of samples (500000,2000000)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="fail when a target is missed"
    )
    if "--quick" in words:
        words = [*QUICK, *words]  # what is said besides it counts
    return parser.parse_args(words)


def _sizes(text: str) -> list[int]:
    """Two or more numbers, separated by commas."""
    found = sorted({int(word) for word in text.split(",")})
    if len(found) < 2:
        raise ValueError(text)
    return found


def every_store(words: Sequence[str]) -> int:
    """The stores that can be reached, each in a process of its own."""
    worst = 0
    for store in ("timescale", "sqlite"):
        command = [sys.executable, "-m", __package__, "--store", store, *words]
        code = subprocess.run(command).returncode
        if code == UNREACHABLE and store != "sqlite":
            print(f"{store} is left out\n")
            continue
        worst = max(worst, code)
    return worst


UNREACHABLE = 3


def main(words: Sequence[str]) -> int:
    options = arguments(words)
    if options.store is None:
        return every_store(words)
    try:
        with scratch.database(options.store, keep=options.keep):
            from .growth import Growth
            from .run import Bench

            samples = options.samples or SAMPLES[options.store]
            bench = Growth(options) if options.growth else Bench(options, samples)
            bench.run()
    except Unreachable as err:
        print(err, file=sys.stderr)
        return UNREACHABLE
    return 1 if options.strict and bench.over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
