"""The kind of a new point, by the cells of its column."""

from __future__ import annotations

from collections.abc import Iterable

from ..his_units import unit_of
from .numbers import split_number
from .statuses import is_good, without_status
from .values import bool_names, has_no_value

__all__ = ["guessed_kind"]

_DIGITS = frozenset(("0", "1", "0.0", "1.0"))


def guessed_kind(
    cells: Iterable[str], *, has_unit: bool = False
) -> tuple[str, str | None]:
    """Number with the unit that all cells have, Bool, or Str.

    0 and 1 are Numbers, because no cell says more. Most cells decide, for logs have
    words such as Restarted between numbers, which are errors later; ``has_unit``: of
    the header, where one number is enough.
    """
    texts = [text for cell in cells if (text := _shown(cell)) is not None]
    words = bool_names(())
    if all(text.lower() in words for text in texts) and not set(texts) <= _DIGITS:
        return "Bool", None
    numbers = [split for text in texts if (split := split_number(text)) is not None]
    if 2 * len(numbers) > len(texts) or not texts or (has_unit and numbers):
        units = {unit for _, unit in numbers} - {""}
        return ("Number", units.pop() if units else None) if _known(units) else _STR
    return _STR


def _shown(cell: str) -> str | None:
    """The text without its status, None for one that has no value."""
    text, status = without_status(cell.strip())
    is_left_out = text == "NA" or has_no_value(text)
    return None if is_left_out or (status and not _may_be_good(status)) else text


def _may_be_good(status: str) -> bool:
    try:
        return is_good(status)
    except ValueError:  # the row is refused
        return True


_STR: tuple[str, str | None] = ("Str", None)


def _known(units: set[str]) -> bool:
    """Whether the texts after the numbers are one unit, or none."""
    try:
        return len({unit_of(unit) for unit in units}) < 2
    except ValueError:
        return False
