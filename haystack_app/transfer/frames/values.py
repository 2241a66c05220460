"""Values of samples in columns that have one type.

A Number is a float, a Bool is true or false, a Str a text, and a Coord the text
``C(lat,lng)``. In the long form a sample has ``val``, a float which is 1 or 0 for a
Bool, or ``text`` for a Str or a Coord. NA, which says that there is no value, is null.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kinds.scalars import NA, Number
from ...kinds.series import Chunk
from ...wire import zinc_reader, zinc_writer

__all__ = ["long_columns", "reader_of", "value_of"]


def _number(value: Any) -> float | None:
    """NaN and infinite Numbers are floats, too."""
    return value.val if type(value) is Number else None


def _bool(value: Any) -> bool | None:
    return value if type(value) is bool else None


def _long_text(value: Any) -> str | None:
    """The text of a value that is not a Number, a Bool or NA."""
    if type(value) is str:
        return value
    if value is NA or type(value) in (Number, bool):
        return None
    return zinc_writer.value_text(value)


def _long_val(value: Any) -> float | None:
    """The number of a value that is a Number or a Bool."""
    return float(value) if type(value) is bool else _number(value)


def long_columns(chunk: Chunk) -> tuple[list[float | None], list[str | None]]:
    """The columns ``val`` and ``text`` of samples, as lists of their own."""
    vals: list[float | None] = list(chunk.vals)
    texts: list[str | None] = [None] * len(chunk.times)
    for at, value in chunk.others.items():
        vals[at], texts[at] = _long_val(value), _long_text(value)
    return vals, texts


_READERS: dict[str, Callable[[Any], Any]] = {"Number": _number, "Bool": _bool}


def reader_of(kind: str) -> Callable[[Any], Any]:
    """A function from a value to what a wide column of the kind has, or None."""
    return _READERS.get(kind, _long_text)


def value_of(kind: str | None, val: float | None, text: str | None) -> Any:
    """The value of a point of some kind, from the long form. Raises ValueError."""
    if val is None and text is None:
        return NA
    if kind == "Str" and text is not None:
        return text
    if kind == "Number" and val is not None:
        return Number(val)
    if kind == "Bool" and val in (0, 1):
        return bool(val)
    if kind == "Coord" and text is not None:
        return zinc_reader.read_value(text)
    shown = val if text is None else text
    raise ValueError(f"invalid value of a {kind}: {str(shown)[:40]!r}")
