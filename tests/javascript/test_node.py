"""Tests of the JavaScript modules, by node's own test runner.

node --test tests/javascript/
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.patience import PATIENCE

HERE = Path(__file__).parent
NODE = shutil.which("node")


@pytest.mark.skipif(
    not (NODE or os.environ.get("CI")), reason="node (20 or newer) is not installed"
)
@pytest.mark.parametrize(
    "file", sorted(HERE.glob("*.test.mjs")), ids=lambda file: file.stem
)
def test_javascript(file: Path) -> None:
    assert NODE, "node is not installed"
    done = subprocess.run(
        [NODE, "--test", str(file)], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 0\n" not in done.stdout
