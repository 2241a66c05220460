"""What lines above a table say of it: ``Point: AHU-1/SAT``, in one cell or in two."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .roles import is_of_place, role_of

__all__ = ["key_of", "name_above", "text_of"]

_KEYED = re.compile(r"([^:=]{1,60}?)\s*[:=]\s+(.*\S)", re.DOTALL)
_ORD = re.compile(r"history:/?(.*\S)", re.IGNORECASE)
"""How Niagara names the history that it exports."""
Place = tuple[int, int]
"""A line, and a cell of it."""


def key_of(lines: Sequence[list[str]], place: Place) -> str:
    """What a text says that it is; empty if it does not."""
    line, at = place
    if match := _KEYED.fullmatch(lines[line][at].strip()):
        return match[1].strip()
    return lines[line][at - 1].strip(" :=") if at else ""


def text_of(lines: Sequence[list[str]], place: Place) -> str:
    """A text without its key."""
    line, at = place
    if len(lines) <= line or len(lines[line]) <= at:
        return ""
    text = lines[line][at].strip()
    match = _KEYED.fullmatch(text)
    return match[2] if match else text


def name_above(lines: Sequence[list[str]]) -> str | None:
    """The name of the point of a table, None unless exactly one text is said to be it.

    That of a device or a site is not that of a point. A title without a key may be that
    of every export of a system.
    """
    found = set()
    for line, cells in enumerate(lines):
        for at, cell in enumerate(cells):
            place = line, at
            if match := _ORD.fullmatch(cell.strip()):
                found.add(match[1])
            elif _is_of_point(key_of(lines, place)) and text_of(lines, place):
                found.add(text_of(lines, place))
    return found.pop() if len(found) == 1 else None


def _is_of_point(key: str) -> bool:
    return role_of(key) == "name" and not is_of_place(key)
