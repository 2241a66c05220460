"""Priority arrays: the values that are written to a point, at 17 levels.

Source: docHaystack Points and the op pointWrite.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..kinds.scalars import Number
from ..wire.zinc_writer import described
from .enumeration import enum_names
from .errors import InvalidRecord, InvalidWrite, NotWritable
from .stored import transient_text

__all__ = [
    "DEFAULT",
    "EMERGENCY",
    "LEVELS",
    "MANUAL",
    "Level",
    "WritablePoint",
    "devalued",
    "effective",
]

LEVELS = range(1, 18)
EMERGENCY = 1
MANUAL = 8
"""The level of manual overrides, the only one that can expire."""
DEFAULT = 17
_KINDS: dict[str, type] = {"Number": Number, "Bool": bool, "Str": str}


@dataclass(frozen=True, slots=True)
class Level:
    """A value at one level, and when it expires.

    ``who`` is the author that the request named, ``user`` the login that wrote it.
    """

    val: Any
    who: str
    expires: dt.datetime | None = None
    user: str = ""


def devalued(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """A changed tag that would make the values in a priority array meaningless.

    Both are records' persistent tags, as JSON or decoded.
    """
    for tag in ("kind", "unit"):
        if before.get(tag) != after.get(tag):
            return tag
    return next((tag for tag in ("point", "writable") if tag not in after), None)


def effective(levels: Mapping[int, Level]) -> tuple[int, Any]:
    """The number and value of the effective level; 17 and None if none is set."""
    number = min(levels, default=DEFAULT)
    return number, levels[number].val if levels else None


@dataclass(frozen=True, slots=True)
class WritablePoint:
    """The tags of a point that a write depends on."""

    id: str
    kind: str
    unit: str | None
    names: tuple[str, ...] = ()
    """Of a tag ``enum``."""
    least: Number | None = None
    greatest: Number | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any], marker: str = "writable") -> WritablePoint:
        """Raises NotWritable if it is not a point with the marker and a known kind."""
        id = record["id"].id
        for tag in ("point", marker):
            if tag not in record:
                raise NotWritable(f"@{id} cannot be written: no tag {tag!r}")
        kind = record.get("kind")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise NotWritable(
                f"@{id} cannot be written: tag kind must be one of"
                f" {', '.join(_KINDS)}, not {described(kind)}"
            )
        unit = record.get("unit")
        try:
            symbol = Number(0, unit).unit if isinstance(unit, str) else None
        except ValueError as err:
            raise NotWritable(f"@{id} cannot be written: tag unit: {err}") from None
        return cls(
            id,
            kind,
            symbol,
            tuple(enum_names(record.get("enum"))),
            *(_limit(record.get(tag), symbol) for tag in ("minVal", "maxVal")),
        )

    def allowed(self, val: Any) -> Any:
        """The value to write: as ``checked``, and within ``enum``, minVal and maxVal.

        A measured value may be outside. Raises InvalidWrite.
        """
        val = self.checked(val)
        if isinstance(val, str) and self.names and val not in self.names:
            names = ", ".join(self.names)
            raise InvalidWrite(f"@{self.id}: val must be one of {names}, not {val}")
        if isinstance(val, Number):
            if self.least and val.val < self.least.val:
                raise InvalidWrite(
                    f"@{self.id}: val must be at least {self.least}, not {val}"
                )
            if self.greatest and val.val > self.greatest.val:
                raise InvalidWrite(
                    f"@{self.id}: val must be at most {self.greatest}, not {val}"
                )
        return val

    def checked(self, val: Any) -> Any:
        """The value to store, with the point's kind and unit.

        A number without a unit gets the point's. Raises InvalidWrite.
        """
        if type(val) is not _KINDS[self.kind]:
            shown = described(val)
            raise InvalidWrite(f"@{self.id}: val must be a {self.kind}, not {shown}")
        if not isinstance(val, Number):
            try:
                transient_text({"writeVal": val})
            except InvalidRecord as err:
                raise InvalidWrite(f"@{self.id}: {err}") from None
            return val
        if val.unit is not None and val.unit != self.unit:
            raise InvalidWrite(
                f"@{self.id}: unit must be {self.unit or 'none'}, not {val.unit}"
            )
        if not math.isfinite(val.val):
            raise InvalidWrite(f"@{self.id}: val must be a finite number, not {val}")
        return Number(val.val, self.unit)


def _limit(value: Any, unit: str | None) -> Number | None:
    """A limit in the unit of the point; one in another unit limits nothing."""
    if not isinstance(value, Number) or value.unit not in (None, unit):
        return None
    return Number(value.val, unit)
