"""The code of the release before, from the history of git.

Until a release has a tag, it is the commit before the one that added the newest
migration: the last code that worked with the schema without it.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.forks import ROOT

__all__ = ["FIRST_MIGRATION", "check_out"]

FIRST_MIGRATION = "0028_names"
"""From which on migrations must leave programs of before as they are."""
_MIGRATIONS = "haystack_app/migrations"


def check_out(folder: Path) -> Path:
    """The code in a new folder; its tests too, which make its data."""
    newest = max(it.name for it in (ROOT / _MIGRATIONS).glob("[0-9]*.py"))
    path = f"{_MIGRATIONS}/{newest}"
    added = _git("log", "--diff-filter=A", "--format=%H", "--", path).decode().split()
    packed = _git("archive", f"{added[-1]}^") if added else b""
    if not packed:
        pytest.skip("the history of git is not here")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    """What a command prints; nothing if it fails."""
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, check=False
    )
    return b"" if done.returncode else done.stdout
