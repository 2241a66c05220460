"""Cells of exports as values: no value, status, numbers, and words of Bools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...kinds.display import quoted
from ...kinds.scalars import NA, Number
from ..csv_values import cell_value
from ..his_points import SampleColumn
from ..his_units import unit_of
from .numbers import number_parts

__all__ = ["NO_VALUE", "CellReader", "bool_names", "is_good", "without_status"]

NO_VALUE = frozenset(
    ("", "nan", "null", "none", "n/a", "#n/a", "-", "--", "---", "calm", "no data")
)
"""In lower case; a Str has no value if it is empty or ``null``."""
_NO_STR = frozenset(("", "null"))
_BOOLS = {
    **dict.fromkeys(("true", "t", "on", "1", "1.0", "yes", "active", "ein"), True),
    **dict.fromkeys(("false", "f", "off", "0", "0.0", "no", "inactive", "aus"), False),
}
_PLAIN = {
    "point": re.compile(r"[+-]?\d{1,15}(?:\.\d{1,20})?", re.ASCII),
    None: re.compile(r"[+-]?\d{1,15}", re.ASCII),
}
"""Most cells, by the decimal sign of the column."""
_STATUS = re.compile(r"(.*?)\s*\{([^{}]*)\}", re.DOTALL)
_LEVEL = re.compile(r"\s*@\s*\w+\Z")
_GOOD = frozenset(
    (
        *("", "ok", "good", "normal", "valid", "reliable", "no error", "online"),
        *("alarm", "unackedalarm", "unacked_alarm", "unacked alarm", "overridden"),
    )
)
_BAD = frozenset(
    (
        *("fault", "down", "stale", "disabled", "null", "bad", "invalid", "error"),
        *("unreliable", "offline", "uncertain", "unknown", "comm failure", "comm fail"),
    )
)


def is_good(status: str) -> bool:
    """Whether the sample of a status such as ``ok`` or ``fault,stale`` counts.

    Alarms and overrides are good: the value is measured or commanded. Raises
    ValueError for a status that is not known.
    """
    text = status.strip().strip("{}")
    words = [_LEVEL.sub("", word).strip().lower() for word in text.split(",")]
    for word in words:
        if word not in _GOOD and word not in _BAD:
            raise ValueError(
                f"unknown status {quoted(status)}: leave its column out with --ignore,"
                " or remove it"
            )
    return not any(word in _BAD for word in words)


def without_status(text: str) -> tuple[str, str | None]:
    """``70.2 {ok}`` is the value and its status."""
    match = _STATUS.fullmatch(text) if text.endswith("}") else None
    return (text, None) if match is None else (match[1], match[2])


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
        words = _NO_STR if self.kind == "Str" else NO_VALUE
        self.no_value = words | {word.lower() for word in no_value}
        self.status = status
        self.plain = _PLAIN.get(decimal) if self.kind == "Number" else None
        self.bools = bool_names(enum) if self.kind == "Bool" else {}

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

    def _value(self, text: str) -> Any:
        if text == "NA" and self.kind != "Str":
            return NA
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
