"""The kind of a column that neither its header nor a def says, by all of its cells.

A guess is a kind that every cell has; a column that mixes texts and numbers is of Strs.
Digits that would not come back are Strs too: ``007``, ``+1 804 555``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ...defs.values import kind_of
from ...wire import zinc_reader
from ...wire.csv_writer import MARKER_TEXT
from ...wire.errors import ParseError
from ..his_units import unit_of
from ..tables.numbers import number_parts
from ..tables.stamps import stamp_of
from ..tables.values import NO_VALUE
from .cells import MARKER_WORDS

__all__ = ["guessed_kind"]

_MARKERS = frozenset((*MARKER_WORDS, MARKER_TEXT)) - {"true", "TRUE", "1", "yes"}
_DIGITS = re.compile(
    r"[-\u2212]?(?:0|[1-9][\d.,'\u2019]*|0?[.,]\d+|0[.,]\d*)"
    r"(?:[eE][+-]?\d+)?\D*"
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def guessed_kind(cells: Iterable[str]) -> str:
    """The kind of stripped cells that are not empty."""
    known = list(cells)
    found = [cell for cell in known if cell != "NA"]
    if known and not found:
        return "na"
    return next(
        (kind for kind, check in _CHECKS if found and all(map(check, found))),
        "number" if _are_numbers(found) else "str",
    )


def _are_numbers(cells: list[str]) -> bool:
    numbers = [cell for cell in cells if cell.lower() not in NO_VALUE]
    return bool(numbers) and all(map(_is_number, numbers))


def _is_number(cell: str) -> bool:
    if not _DIGITS.fullmatch(cell):
        return False
    for decimal in ("point", "comma"):
        try:
            _, unit = number_parts(cell, decimal)
            return not unit or bool(unit_of(unit))
        except ValueError:
            continue
    return False


def _is_date(cell: str) -> bool:
    stamp = stamp_of(cell)
    return stamp is not None and stamp.time is None and not cell.isdigit()


def _zinc_kind(kind: str, pattern: str) -> Callable[[str], bool]:
    """Whether a cell is a value of that kind in Zinc; ``pattern`` is of its start."""
    start = re.compile(pattern)

    def check(cell: str) -> bool:
        if not start.match(cell):
            return False
        try:
            return kind_of(zinc_reader.read_value(cell)) == kind
        except ParseError:
            return False

    return check


_CHECKS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("marker", lambda cell: cell in _MARKERS),
    ("bool", lambda cell: cell.lower() in ("true", "false")),
    ("ref", lambda cell: cell.startswith("@")),
    ("uri", lambda cell: _URI.fullmatch(cell) is not None),
    ("date", _is_date),
    ("time", _zinc_kind("time", r"\d\d:\d\d")),
    ("dateTime", _zinc_kind("dateTime", r"\d{4}-\d\d-\d\dT")),
    ("coord", _zinc_kind("coord", r"C\(")),
    ("xstr", _zinc_kind("xstr", r"[A-Z][A-Za-z0-9_]*\(")),
    ("symbol", _zinc_kind("symbol", r"\^")),
    ("list", _zinc_kind("list", r"\[")),
    ("grid", _zinc_kind("grid", "<<")),
    ("dict", _zinc_kind("dict", r"\{")),
)
