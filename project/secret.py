"""A secret key for installations that nobody configured."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from django.core.management.utils import get_random_secret_key

__all__ = ["stored_secret_key"]


def stored_secret_key(path: Path) -> str:
    """The key kept in ``path``; made there, readable by its owner only, if absent."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        _create(path)
        return path.read_text().strip()


def _create(path: Path) -> None:
    # Linking a finished file: of two processes starting at once, one wins and
    # the other reads a whole key.
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:  # mode 0600
        draft.write(get_random_secret_key())
        draft.flush()
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return
