"""Numbers with a decimal point or comma, and signs between thousands.

Which one a column has is decided by all of its cells: ``0,696`` can only have a decimal
comma, ``1,234.5`` only a decimal point, and ``1,234`` may be either.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence

from ...kinds.display import quoted
from .statuses import without_status

__all__ = ["DecimalEvidence", "number_parts", "split_number"]

_SPACES = "' \u00a0\u202f\u2019"
_INTEGER = r"[+\-\u2212]?(?:\d+"
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_FORMS = {
    "point": rf"{_INTEGER}|[1-9]\d{{0,2}}(?:[,{_SPACES}]\d{{3}})+|(?=\.\d))(?:\.\d*)?",
    "comma": rf"{_INTEGER}|[1-9]\d{{0,2}}(?:[.{_SPACES}]\d{{3}})+|(?=,\d))(?:,\d*)?",
}
_READINGS = {sign: re.compile(form + _EXPONENT) for sign, form in _FORMS.items()}
_PLAIN = re.compile(r"[+-]?\d+", re.ASCII)
_INTEGERS = re.compile(r"[0-9+\-\n]*")
_OTHER = {
    "point": re.compile(r"[^0-9.+\-\n]|\.[0-9]*\."),
    "comma": re.compile(r"[^0-9,+\-\n]|,[0-9]*,"),
}
"""What a column of the sign has if it has a cell that may show another one."""
_PARTS = re.compile(
    rf"([+\-\u2212]?(?:\d[\d.,{_SPACES}]*\d|\d)?(?:[.,]\d*)?{_EXPONENT})"
    r"\s*([^\s\d.,;:'+\-][^;]*)?"
)


def split_number(text: str) -> tuple[str, str] | None:
    """A number and the unit after it."""
    if any(reading.fullmatch(text) for reading in _READINGS.values()):
        return text, ""
    match = _PARTS.fullmatch(text)
    if match is None or not re.search(r"\d", match[1]):
        return None
    return match[1].strip(), (match[2] or "").strip()


def number_parts(text: str, decimal: str | None) -> tuple[float, str]:
    """The number and the text of its unit. Raises ValueError."""
    split = split_number(text)
    if split is None:
        raise ValueError(f"invalid Number {quoted(text)}")
    number, unit = split
    readings = [sign for sign, form in _READINGS.items() if form.fullmatch(number)]
    if decimal is None and len(readings) > 1 and _values(number) > 1:
        raise ValueError(f"{quoted(text)} has two readings: give --decimal")
    sign = decimal or "point"
    if sign not in readings:
        raise ValueError(f"invalid Number {quoted(text)} with a decimal {sign}")
    thousands = "," if sign == "point" else "."
    plain = re.sub(f"[{_SPACES}{re.escape(thousands)}]", "", number)
    value = float(plain.replace(",", ".").replace("\u2212", "-"))
    if not math.isfinite(value):
        raise ValueError(f"Number out of range {quoted(text)}")
    return value, unit


class DecimalEvidence:
    """What the cells of the columns of a file show about their decimal signs."""

    def __init__(self) -> None:
        self.shown: dict[int, dict[str, tuple[int, str]]] = defaultdict(dict)
        self.open: dict[int, tuple[int, str]] = {}

    def add(self, line: int, column: int, text: str) -> None:
        if text.isdigit() and text.isascii():
            return
        split = split_number(text)
        if split is None or _PLAIN.fullmatch(split[0]):
            return
        number = split[0]
        readings = [sign for sign, form in _READINGS.items() if form.fullmatch(number)]
        if len(readings) == 1:
            self.shown[column].setdefault(readings[0], (line, text))
        elif readings and _values(number) > 1:
            self.open.setdefault(column, (line, text))

    def add_all(self, column: int, cells: Sequence[tuple[int, str]]) -> None:
        """Lines and cells; where they cannot show more than is known, at once."""
        text = "\n".join([cell for _, cell in cells])
        if _INTEGERS.fullmatch(text):
            return
        for sign, other in _OTHER.items():
            if sign in self.shown[column] and other.search(text) is None:
                return
        for line, cell in cells:
            self.add(line, column, without_status(cell.strip())[0])

    def decided(self, column: int, header: str, by_delimiter: str | None) -> str | None:
        """The sign of a column, None if none of its cells has one.

        Other columns decide for a column that does not. ``by_delimiter`` is what the
        delimiter says if no cell of the file shows anything. Raises ValueError.
        """
        own = self.shown.get(column, {})
        if len(own) > 1:
            cells = " and ".join(f"{quoted(t)} in line {n}" for n, t in own.values())
            raise ValueError(f"column {header} has decimal points and commas: {cells}")
        if own:
            return next(iter(own))
        if column not in self.open:
            return None
        signs = {sign for shown in self.shown.values() for sign in shown}
        if len(signs) == 1:
            return signs.pop()
        line, text = self.open[column]
        if by_delimiter == "point" and "," not in text:
            return "point"
        raise ValueError(
            f"column {header}: {quoted(text)} in line {line} has two readings, and no"
            " other cell decides: give --decimal comma or --decimal point"
        )


def _values(number: str) -> int:
    """How many different values the readings of a text have."""
    found = set()
    for sign in ("point", "comma"):
        try:
            found.add(number_parts(number, sign)[0])
        except ValueError:
            continue
    return len(found)
