"""The code of the release before, from the history of git.

Until a release has a tag, it is a commit: the first one whose schema a rolling update
can start from.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.forks import ROOT

__all__ = ["LAST_MIGRATION", "check_out"]

COMMIT = "754da98cec48083f116e560f95ea8616186793dd"
LAST_MIGRATION = "0028_names"
"""Of that code."""


def check_out(folder: Path) -> Path:
    """The code in a new folder; its tests too, which make its data."""
    packed = subprocess.run(
        ["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=False
    )
    if packed.returncode:
        pytest.skip("the history of git is not here")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder
