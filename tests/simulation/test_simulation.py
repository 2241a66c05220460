"""The simulation of many points: it runs, and multiplies by ten at most."""

from __future__ import annotations

import os
import re
from typing import Any

from tests import forks


def simulated(*words: str) -> Any:
    return forks.run(
        ["-m", "tests.simulation", "--store", "sqlite", *words], os.environ
    )


def test_nothing_is_multiplied_by_more_than_ten() -> None:
    done = simulated("--points", "1001", "--stored", "100")
    assert done.returncode == 2
    assert "--stored must be 101 to 1,001" in done.stderr


def test_a_small_one() -> None:
    words = ("--points", "500", "--stored", "100", "--seconds", "5", "--every", "2")
    done = simulated(*words)
    assert done.returncode == 0, done.stderr
    for line in (r"hisWrite +\d+\.\d", r"server +\d\.\d{3} +\d\.\d\d$"):
        assert re.search(f"^{line}", done.stdout, re.MULTILINE), done.stdout
