"""Cells of tables of entities as values, by the kind of their column."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ...defs.values import KINDS, is_of_kind
from ...kinds.datetimes import parse_time
from ...kinds.display import quoted
from ...kinds.scalars import MARKER, NA, Coord, Number, Ref, Symbol, Uri, is_ref_id
from ...kinds.timezones import UnknownTimeZone, city_name, zone_of
from ...wire import zinc_reader
from ...wire.csv_writer import MARKER_TEXT
from ...wire.errors import ParseError
from ..csv_values import cell_value
from ..his_units import unit_of
from ..tables.numbers import number_parts
from ..tables.stamps import instants_of, stamp_of
from ..tables.values import NO_VALUE, bool_names
from .columns import shown_kind

__all__ = ["MARKER_WORDS", "CellRules", "RefName", "cell_of", "is_marker_word"]

MARKER_WORDS = frozenset(("M", "x", "X", "✔", "true", "TRUE", "True", "yes", "1"))
"""Besides the ``✓`` of our own files."""
_NO_MARKER = frozenset(("-", "false", "no", "0"))
_KIND_WORDS = {"boolean": "Bool", "string": "Str", "numeric": "Number"}
_KINDS = {kind.lower(): kind for kind in KINDS}
_LAT_LNG = re.compile(r"([+-]?\d+(?:\.\d+)?)(?:,\s*|;\s*|\s+)([+-]?\d+(?:\.\d+)?)")
_DATE_TIME = "2024-03-31T08:00:00-04:00 New_York"
_SPECIAL = frozenset(("INF", "-INF", "NaN"))


class RefName(NamedTuple):
    """The name of an entity in the cell of a Ref: its id or its ``dis``."""

    text: str


class CellRules(NamedTuple):
    """What the other cells of a column decide, and the unit of its header.

    ``decimal`` is ``point`` or ``comma``, ``order`` that of day, month and year.
    """

    unit: str | None = None
    decimal: str | None = None
    order: str | None = None
    no_value: frozenset[str] = NO_VALUE


def is_marker_word(text: str) -> bool:
    """Whether a cell says that an entity has a marker, or that it does not."""
    return text in {*MARKER_WORDS, MARKER_TEXT} or text.lower() in _NO_MARKER


def cell_of(name: str, kind: str, text: str, rules: CellRules) -> Any:
    """The value of a stripped cell, a RefName, or None. Raises ValueError."""
    if not text:
        return None
    if kind == "marker":
        return _marker(text)
    if kind == "zinc":
        return zinc_reader.read_value(text)
    if kind not in ("str", "ref") and text.lower() in rules.no_value:
        return None
    if kind == "number":
        return _number(text, rules)
    if kind == "ref":
        return _id(text) if name == "id" else _ref(text)
    if kind == "date":
        return _date(text, rules.order)
    if text == "NA" and kind != "str":
        return NA
    if kind == "str" and name in _CHECKED:
        return _CHECKED[name](text)
    reader = _READERS.get(kind)
    return reader(text) if reader else _zinc(kind, text)


def _marker(text: str) -> Any:
    if text in MARKER_WORDS or text == MARKER_TEXT:
        return MARKER
    if text.lower() in _NO_MARKER:
        return None
    raise ValueError(f"expected M, x, true or {MARKER_TEXT}, not {quoted(text)}")


def _number(text: str, rules: CellRules) -> Any:
    if text == "NA":
        return NA
    if text in _SPECIAL:
        return cell_value("Number", text)
    value, word = number_parts(text, rules.decimal)
    unit = unit_of(word) if word else rules.unit
    if rules.unit and unit != rules.unit:
        reason = f"unit is {unit} in the cell and {rules.unit} in the header"
        raise ValueError(reason)
    return Number(value, unit)


def _id(text: str) -> Ref:
    id, _, dis = text[1:].partition(" ") if text[0] == "@" else (text, "", "")
    if not is_ref_id(id):
        raise ValueError(
            f"invalid id {quoted(text)}: ids have letters, digits and _ : - . ~"
        )
    return Ref(id, dis or None)


def _ref(text: str) -> Ref | RefName:
    if text[0] != "@":
        return RefName(text)
    id, _, dis = text[1:].partition(" ")
    return Ref(id, dis or None)


def _date(text: str, order: str | None) -> Any:
    stamp = stamp_of(text)
    if stamp is None or stamp.time is not None:
        raise ValueError(f"invalid Date {quoted(text)}: expected such as 2024-03-31")
    return instants_of(text, order, "UTC")[0].date()


def _bool(text: str) -> bool:
    words = bool_names(())
    if text.lower() not in words:
        raise ValueError(f"invalid Bool {quoted(text)}: expected true or false")
    return words[text.lower()]


def _coord(text: str) -> Any:
    match = _LAT_LNG.fullmatch(text)
    if match is None:
        return cell_value("Coord", text)
    return Coord(float(match[1]), float(match[2]))


def _unit_tag(text: str) -> str:
    return unit_of(text)


def _kind_tag(text: str) -> str:
    """The name of a point's kind in capitals as the tag ``kind`` has it."""
    word = text.lower()
    found = _KINDS.get(word) or _KIND_WORDS.get(word)
    if found is None:
        raise ValueError(f"expected Number, Bool, Str or such, not {quoted(text)}")
    return found


def _tz_tag(text: str) -> str:
    city = city_name(text)
    try:
        zone_of(city)
    except UnknownTimeZone as err:
        raise ValueError(f"{err}: expected a city such as New_York") from None
    return city


def _zinc(kind: str, text: str) -> Any:
    """DateTimes, lists, Dicts, Grids, XStrs: in Zinc. Raises ValueError."""
    try:
        value = zinc_reader.read_value(text)
    except ParseError:
        value = None
    if value is None or not is_of_kind(value, kind):
        shown = f" such as {_DATE_TIME}" if kind == "dateTime" else " in Zinc"
        raise ValueError(f"expected a {shown_kind(kind)}{shown}, not {quoted(text)}")
    return value


_CHECKED: dict[str, Callable[[str], str]] = {
    "kind": _kind_tag,
    "tz": _tz_tag,
    "unit": _unit_tag,
}
_READERS: dict[str, Callable[[str], Any]] = {
    "bool": _bool,
    "coord": _coord,
    "str": str,
    "symbol": lambda text: Symbol(text.removeprefix("^")),
    "time": parse_time,
    "uri": Uri,
}
