"""The points of a store that files of samples name, and how their values are read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..filters import is_trash
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number, Ref
from ..kinds.units import converted
from ..storage.base import StorageAdapter
from ..storage.errors import NotHistorized, StorageError, UnknownEntity
from ..storage.samples import HisPoint
from .csv_values import cell_value
from .his_units import check_unit, fitted, split_unit
from .plain_cells import numbers_of
from .timestamps import Instants, instants

__all__ = ["AS_WRITTEN", "ReadingOptions", "SampleColumn", "SamplePoints"]


class ReadingOptions(NamedTuple):
    """What a file may leave open.

    ``tz``: the zone of times without an offset, instead of that of the point;
    ``dst``: ``first`` or ``second``, for local times that occur twice;
    ``convert``: numbers in another unit of the same quantity are converted;
    ``planned``: tags of points, by id, that are made before the samples are stored.
    """

    tz: str | None = None
    dst: str | None = None
    convert: bool = False
    planned: Mapping[str, Mapping[str, Any]] = {}


AS_WRITTEN = ReadingOptions()


class SampleColumn(NamedTuple):
    """A point, and the unit of the column or cell that names it."""

    point: HisPoint
    unit: str | None
    options: ReadingOptions

    def times(self, text: str) -> Instants:
        """Raises ValueError, also for a time that the point's zone cannot show."""
        found = instants(text, self.options.tz or self.point.tz)
        if not dt.MINYEAR < found[0].year < dt.MAXYEAR:
            DateTime(found[0], self.point.tz)
        return found

    def cell(self, text: str) -> Any:
        """The value of a CSV cell that is not empty. Raises ValueError."""
        try:
            return self.fit(cell_value(self.point.kind, text))
        except ValueError as err:
            raise ValueError(f"@{self.point.id}: {err}") from None

    def value(self, value: Any) -> Any:
        """The value of a grid's cell. Raises ValueError."""
        try:
            return self.fit(value)
        except ValueError as err:
            raise ValueError(f"@{self.point.id}: {err}") from None

    def numbers(
        self, cells: Sequence[str], decimal: str | None, factor: float = 1.0
    ) -> Sequence[float | None] | None:
        """Plain numbers in the unit of the point, None for an empty cell.

        None if a cell is not a plain number.
        """
        found = numbers_of(cells, decimal)
        if found is None:
            return None
        if factor != 1:
            found = [None if val is None else val * factor for val in found]
        own = self.point.unit
        if own is None or self.unit is None or own == self.unit:
            return found
        unit = self.unit
        return [None if val is None else converted(val, unit, own) for val in found]

    def fit(self, value: Any) -> Any:
        """A value in the unit of the point. Raises ValueError."""
        if type(value) is not Number or (value.unit is None and self.unit is None):
            return value
        return fitted(value, self.point, self.unit, convert=self.options.convert)


class SamplePoints:
    """A cache of the points of a store."""

    def __init__(self, adapter: StorageAdapter, options: ReadingOptions) -> None:
        self.adapter, self.options = adapter, options
        self._points: dict[str, HisPoint | StorageError] = {}

    def __getitem__(self, id: str) -> HisPoint:
        """Raises UnknownEntity or NotHistorized."""
        found = self._points.get(id)
        if found is None:
            try:
                record = self.record(id)
                found = HisPoint.of(record)
                if is_trash(record):
                    found = NotHistorized(f"@{id} is in the trash")
            except StorageError as err:
                found = err
            self._points[id] = found
        if isinstance(found, StorageError):
            raise found
        return found

    def has(self, id: str) -> bool:
        """Whether an entity has the id, or a point with it is planned."""
        try:
            self.record(id)
        except UnknownEntity:
            return False
        return True

    def record(self, id: str) -> Mapping[str, Any]:
        """The stored or the planned record. Raises UnknownEntity."""
        try:
            return self.adapter.existing(id)
        except UnknownEntity:
            if id not in self.options.planned:
                raise
            return self.options.planned[id]

    def column(self, id: str, unit: str | None = None) -> SampleColumn:
        """Raises ValueError, also for a unit that the point cannot have."""
        point = self[id]
        try:
            check_unit(point, unit, convert=self.options.convert)
        except ValueError as err:
            raise ValueError(f"@{id}: {err}") from None
        return SampleColumn(point, unit, self.options)

    def named(self, cell: str) -> SampleColumn:
        """The column of ``a-1``, ``@a-1``, ``@a-1 Display name`` or ``@a-1 (°C)``.

        Raises ValueError.
        """
        text, unit = split_unit(cell)
        id = text[1:].split(" ")[0] if text.startswith("@") else text
        return self.column(Ref(id).id, unit)
