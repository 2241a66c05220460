"""The standard libraries, if they are available next to this repository."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from haystack_app.defs import Namespace, read_libraries, shipped

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SOURCES = SHARED / "data" / "defs"
needs_standard = pytest.mark.skipif(not SOURCES.is_dir(), reason=f"{SOURCES} not found")


@lru_cache(maxsize=1)
def standard() -> Namespace:
    """Only ph, phScience, phIoT and phIct."""
    libraries = read_libraries([SOURCES])
    return Namespace(record for defs in libraries.values() for record in defs)


@lru_cache(maxsize=1)
def with_standard() -> Namespace:
    """The shipped library with the standard libraries loaded after it."""
    libraries = read_libraries([SOURCES])
    return shipped().extended(record for defs in libraries.values() for record in defs)
