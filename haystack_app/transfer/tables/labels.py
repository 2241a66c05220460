"""What lines above a table say of it: ``Point: AHU-1/SAT``, in one cell or in two."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .roles import is_of_place, role_of

__all__ = ["key_of", "name_above", "text_of"]

_KEYED = re.compile(r"([^:=]{1,60}?)\s*[:=]\s+(.*\S)", re.DOTALL)
_ORD = re.compile(r"history:/?(.*\S)", re.IGNORECASE)
"""How Niagara names the history that it exports."""
_KEY = re.compile(
    r"\s*(?:(?:point|object|item) )?(?:desc(?:ription)?|type|location|area|controller"
    r"|network|notes?|comments?|category|class|interval|sample rate)\s*",
    re.IGNORECASE,
)
"""Keys that are not the roles of columns."""
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
    of every export of a system. Keys may be before their texts, or above them.
    """
    found = set()
    for line, cells in enumerate(lines):
        if _are_heads(cells):
            continue
        heads = lines[line - 1] if line and _are_heads(lines[line - 1]) else []
        for at, cell in enumerate(cells):
            text = text_of(lines, (line, at))
            if match := _ORD.fullmatch(cell.strip()):
                found.add(match[1])
            elif heads:
                if text and at < len(heads) and _is_of_point(heads[at]):
                    found.add(text)
            elif text and _is_of_point(key_of(lines, (line, at))):
                found.add(text)
    return found.pop() if len(found) == 1 else None


def _are_heads(cells: Sequence[str]) -> bool:
    """Whether a line has keys alone, two or more."""
    keys = [cell for cell in cells if cell.strip()]
    return len(keys) > 1 and all(map(_is_key, keys))


def _is_key(cell: str) -> bool:
    return role_of(cell) is not None or is_of_place(cell) or bool(_KEY.fullmatch(cell))


def _is_of_point(key: str) -> bool:
    return role_of(key) == "name" and not is_of_place(key)
