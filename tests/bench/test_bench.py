"""The bench runs and prints every case; how fast things are is not tested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_quick_run_on_sqlite() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--store", "sqlite", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for words in (
        "4 conjuncts, Hayson",
        "points of one site by ->",
        "hisRead",
        "hisWrite",
        "samples stream out",
        "filter parsing",
        "reading grids",
        "EXPLAIN",
        "redis",
    ):
        assert words in done.stdout
