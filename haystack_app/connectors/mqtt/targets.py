"""Points as targets of messages: their kind, unit, and where values go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...filters import is_trash
from ...kinds.display import quoted
from ...kinds.scalars import NA, Number
from ...kinds.timezones import UnknownTimeZone, zone_of
from ...storage.collection import collects
from ...storage.enumeration import enum_names
from ...storage.errors import NotHistorized
from ...storage.samples import HisPoint
from ...transfer.his_points import ReadingOptions, SampleColumn
from ...transfer.his_units import check_unit, unit_of
from ...transfer.tables.values import CellReader

__all__ = ["NoTarget", "Target"]

_CONVERTING = ReadingOptions(convert=True)


class NoTarget(ValueError):
    """The entity cannot take values."""


class Target:
    """A point, by its record.

    Values go to its history, unless it has none or the server collects it from the
    current values. Raises NoTarget.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.id: str = record["id"].id
        self.has_cur = "cur" in record
        collected = collects(record) and "hisSync" not in record
        self.logs = "his" in record and not collected
        if is_trash(record) or "point" not in record:
            raise NoTarget(f"@{self.id} is not a point")
        if not self.logs and not self.has_cur:
            raise NoTarget(f"@{self.id} has neither the tag his nor cur")
        self.point = self._point(record)
        self.names = enum_names(record.get("enum"))
        self._readers: dict[str | None, CellReader] = {}
        try:
            self.is_plain = self.point.kind == "Number"
            self._reader(None)
        except ValueError as err:
            raise NoTarget(f"@{self.id}: {err}") from None

    def _point(self, record: Mapping[str, Any]) -> HisPoint:
        try:
            if "his" in record:
                return HisPoint.of(record)
            tz = record.get("tz")
            zoned = {"his": True, "tz": tz if _is_zone(tz) else "UTC"}
            return HisPoint.of({**record, **zoned})
        except NotHistorized as err:
            raise NoTarget(str(err)) from None

    def value(self, value: Any, unit: str | None = None) -> Any:
        """A float, or another value of the point's kind, or NA. Raises ValueError."""
        kind = type(value)
        if self.is_plain and unit is None and (kind is float or kind is int):
            return float(value)
        if value is None:
            return NA
        if kind is bool and self.point.kind != "Bool":
            raise ValueError(
                f"@{self.id}: value must be a {self.point.kind}, not a Bool"
            )
        if isinstance(value, dict | list):
            raise ValueError(
                f"@{self.id}: the value is a list or an object of JSON:"
                " give a path that leads to one value"
            )
        found = self._reader(unit).read(str(value).strip())
        if found is None:
            return NA
        if type(found) is Number:
            return found.val
        if self.names and isinstance(found, str):
            return self._named(found)
        return found

    def _reader(self, unit: str | None) -> CellReader:
        if unit not in self._readers:
            symbol = None if unit is None else unit_of(unit)
            check_unit(self.point, symbol, convert=True)
            self._readers[unit] = CellReader(
                SampleColumn(self.point, symbol, _CONVERTING),
                decimal="point",
                enum=self.names if self.point.kind == "Bool" else (),
            )
        return self._readers[unit]

    def _named(self, text: str) -> str:
        for name in self.names:
            if name.lower() == text.lower():
                return name
        listed = ", ".join(self.names)
        raise ValueError(
            f"@{self.id}: value must be one of {listed}, not {quoted(text)}"
        )


def _is_zone(tz: Any) -> bool:
    try:
        return isinstance(tz, str) and bool(zone_of(tz))
    except UnknownTimeZone:
        return False
