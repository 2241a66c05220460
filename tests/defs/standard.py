"""The standard libraries beside this repository, where they are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from haystack_app.defs import Namespace, read_libraries, shipped

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SOURCES = SHARED / "data" / "defs"
needs_standard = pytest.mark.skipif(
    not SOURCES.is_dir(), reason=f"there is no {SOURCES}"
)


@lru_cache(maxsize=1)
def standard() -> Namespace:
    """ph, phScience, phIoT and phIct, and nothing else."""
    libraries = read_libraries([SOURCES])
    return Namespace(record for defs in libraries.values() for record in defs)


@lru_cache(maxsize=1)
def behind_shipped() -> Namespace:
    """The standard libraries as a store has them that loaded them."""
    libraries = read_libraries([SOURCES])
    return shipped().extended(record for defs in libraries.values() for record in defs)
