"""The bench runs and prints every case; how fast things are is not tested."""

from __future__ import annotations

import os

import pytest

from tests import forks
from tests.bench.growth import exponent


def printed(*words: str) -> str:
    command = ["-m", "tests.bench", "--store", "sqlite", "--quick", *words]
    done = forks.run(command, os.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_quick_run_on_sqlite() -> None:
    shown = printed("--profile", "nav of")
    for words in (
        "/ beside  / bare   / SQL",
        "about",
        "read by id, 1 row ",
        "4 conjuncts, Hayson",
        "read a tag at a site",
        "read dis == .., 1 row ",
        "read siteRef == @..",
        "points of one site by ->",
        "nav of a site",
        "read markers, 100 rows",
        "hisRead 100 samples, Zinc",
        "hisWrite 10 new samples, Hayson",
        "commit of 1 entity",
        "load 10 new entities",
        "samples stream out",
        "filter parsing",
        "reading grids",
        "EXPLAIN",
        "redis",
        "Ordered by: internal time",
    ):
        assert words in shown


def test_quick_growth_on_sqlite() -> None:
    shown = printed("--growth", "--rows", "30")
    assert "1,566       4,698  exponent" in shown
    for name in ("about", "read by id", "read markers, 30 rows", "hisRead 30 samples"):
        assert name in shown
    assert "20,000      60,000  exponent" in shown
    for name in ("roll-up of 30 samples", "hisWrite 3 new samples, Zinc"):
        assert name in shown


@pytest.mark.parametrize(("power", "slope"), [(0, 0), (1, 1), (0.5, 0.5)])
def test_the_exponent_is_the_slope(power: float, slope: float) -> None:
    sizes = [20_000, 100_000, 400_000]
    found = exponent(sizes, [0.001 * size**power for size in sizes])
    assert found == pytest.approx(slope)
