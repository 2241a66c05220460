"""The names of a tag ``enum``.

Source: docHaystack Points and the def of ``enum``: a Str of names with commas, a list
of Strs, a Dict by name, or a Grid with a column ``name``. For a Bool the names are
those of false and true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kinds.grid import Grid

__all__ = ["display_of", "enum_names"]


def enum_names(enum: Any) -> list[str]:
    """The names in order; empty if the tag is missing or of another form."""
    if isinstance(enum, str):
        return [name.strip() for name in enum.split(",") if name.strip()]
    if isinstance(enum, list | tuple):
        return [name for name in enum if isinstance(name, str)]
    if isinstance(enum, Grid):
        names = (row.get("name") for row in enum)
        return [name for name in names if isinstance(name, str)]
    return list(enum) if isinstance(enum, Mapping) else []


def display_of(val: Any, enum: Any) -> str:
    """A value as people read it: the name of a Bool, or the text of the value."""
    if not isinstance(val, bool):
        return str(val)
    names = enum_names(enum)
    return names[val] if len(names) == 2 else str(val).lower()
