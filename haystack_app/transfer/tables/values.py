"""Cells of exports as values: no value, status, numbers, and words of Bools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...kinds.display import quoted
from ...kinds.scalars import NA, Number
from ..csv_values import cell_value
from ..his_points import SampleColumn
from ..his_units import unit_of
from ..plain_cells import ReadTexts
from .numbers import number_parts
from .statuses import is_good, without_status

__all__ = ["NO_VALUE", "CellReader", "bool_names", "has_no_value"]

NO_VALUE = frozenset(
    (
        *("", "nan", "null", "nil", "none", "n/a", "n.a.", "#n/a", "-", "--", "---"),
        *("?", "***", "calm", "no data", "no value", "no reading", "missing"),
        *("unavailable", "unknown", "bad", "bad input", "i/o timeout", "undefined"),
        *("<nan>", "1.#qnan", "-1.#ind", "1.#ind", "??", "???", "data loss"),
        *("(null)", "#value!", "#ref!", "#div/0!", "#num!", "#null!", "#name?"),
    )
)
"""In lower case; a Str has no value if it is empty or ``null``."""
_INFINITE = ("INF", "-INF")
_NO_STR = frozenset(("", "null"))
_BOOLS = {
    **dict.fromkeys(("true", "t", "on", "1", "1.0", "yes", "active"), True),
    **dict.fromkeys(("false", "f", "off", "0", "0.0", "no", "inactive"), False),
    **{"ein": True, "aus": False, "marche": True, "arrêt": False},
}
_PLAIN = {
    "point": re.compile(r"[+-]?\d{1,15}(?:\.\d{1,20})?", re.ASCII),
    "comma": re.compile(r"[+-]?\d{1,15}", re.ASCII),
    None: re.compile(r"[+-]?\d{1,15}", re.ASCII),
}
"""Most cells, by the decimal sign of the column."""


def bool_names(enum: Iterable[str]) -> Mapping[str, bool]:
    """The words of a Bool by the names of its enum, false first. Raises ValueError."""
    names = [name.lower() for name in enum]
    if len(names) != 2:
        return _BOOLS
    found = {names[0]: False, names[1]: True}
    for name, value in found.items():
        if _BOOLS.get(name, value) != value:
            raise ValueError(
                f"enum {', '.join(names)}: {name} means {str(value).lower()}, other"
                " than the word"
            )
    return {**_BOOLS, **found}


def has_no_value(text: str) -> bool:
    """Whether the cell of a Number has none; there may be a unit, as in ``nan °F``."""
    word = text.lower()
    return word in NO_VALUE or word.startswith("nan ")


class CellReader:
    """Reads the cells of one column. ``decimal`` is None if no cell has a sign."""

    def __init__(
        self,
        column: SampleColumn,
        *,
        decimal: str | None = None,
        factor: float = 1.0,
        enum: Iterable[str] = (),
        no_value: Iterable[str] = (),
        status: str = "skip",
    ) -> None:
        self.column, self.decimal, self.factor = column, decimal, factor
        self.kind = column.point.kind
        self.bools = bool_names(enum) if self.kind == "Bool" else {}
        words = _NO_STR if self.kind == "Str" else NO_VALUE - self.bools.keys()
        self.no_value = words | {word.lower() for word in no_value}
        self.status = status
        self.plain = _PLAIN.get(decimal) if self.kind == "Number" else None
        self.words = frozenset(word for word in no_value if word[-1:].isdigit())
        self.texts = ReadTexts(self.read)

    @property
    def tz(self) -> str:
        """The zone of times without an offset."""
        return self.column.options.tz or self.column.point.tz

    def read(self, cell: str, status: str | None = None) -> Any:
        """The value, or None if there is no value to store. Raises ValueError."""
        if self.plain is not None and status is None and self.plain.fullmatch(cell):
            if cell in self.no_value:
                return None
            return self.column.value(Number(float(cell) * self.factor))
        text, own = without_status(cell.strip())
        try:
            good = all(is_good(one) for one in (status, own) if one is not None)
            if text.lower() in self.no_value:
                return None
            if not good and self.status != "keep":
                return None if self.status == "skip" else NA
            return self._value(text)
        except ValueError as err:
            raise ValueError(f"@{self.column.point.id}: {err}") from None

    def read_all(
        self, cells: Sequence[str], statuses: Sequence[str] | None
    ) -> tuple[Sequence[Any], bool]:
        """The values of a column, and whether all are floats or None.

        A float is a Number in the unit of the point. Raises ValueError.
        """
        if statuses is not None and all(map(is_good, set(statuses))):
            statuses = None
        if self.plain is not None and statuses is None:
            found = self._numbers(cells)
            if found is None:
                found = self._numbers([cell.strip() for cell in cells])
            if found is not None:
                return found, True
        if statuses is not None:
            pairs = zip(cells, statuses, strict=True)
            return [self.read(cell, status) for cell, status in pairs], False
        return [self.texts[cell] for cell in cells], False

    def _numbers(self, cells: Sequence[str]) -> Sequence[float | None] | None:
        if self.words and not self.words.isdisjoint(cells):
            return None
        return self.column.numbers(cells, self.decimal, self.factor)

    def _value(self, text: str) -> Any:
        if text == "NA" and self.kind != "Str":
            return NA
        if self.kind == "Number" and text in _INFINITE:
            return self.column.value(cell_value("Number", text))
        if self.kind == "Number" and has_no_value(text):
            return None
        if self.kind == "Number":
            number, unit = number_parts(text, self.decimal)
            found = Number(number * self.factor, unit_of(unit) if unit else None)
            return self.column.fit(found)
        if self.kind == "Bool":
            value = self.bools.get(text.lower())
            if value is None:
                words = ", ".join(sorted(self.bools))
                raise ValueError(f"invalid Bool {quoted(text)}: expected {words}")
            return value
        return cell_value(self.kind, text)
