"""What a user says of a file, where the guesses are wrong or there are two readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ..transfer.entity_tables.options import EntityTableOptions
from ..transfer.his_points import ReadingOptions
from ..transfer.tables.mapping import mapping_of
from ..transfer.tables.options import TableOptions

__all__ = ["ENTITIES", "HISTORY", "KINDS", "Corrections"]

KINDS = HISTORY, ENTITIES = "history", "entities"


@dataclass(frozen=True, slots=True)
class Corrections:
    """As the options of ``haystack_his_import`` and ``haystack_load``.

    ``kind`` is history or entities, empty to guess it. ``mapping`` is that of a mapping
    file in JSON; ``create`` makes missing points, ``skip_bad`` is a number of rows or a
    percentage.
    """

    kind: str = ""
    sheets: tuple[str, ...] = ()
    delimiter: str | None = None
    decimal: str | None = None
    dates: str | None = None
    tz: str | None = None
    dst: str | None = None
    time: tuple[str, ...] = ()
    year: int | None = None
    stamps: str | None = None
    status: str = "skip"
    convert: bool = False
    no_value: tuple[str, ...] = ()
    point: str | None = None
    ignore: tuple[str, ...] = ()
    mapping: Mapping[str, Any] = field(default_factory=dict)
    create: bool = False
    site: str | None = None
    equip: str | None = None
    skip_bad: str | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From JSON, in which lists stand for tuples, and null for the default."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in stored.items()
            if value is not None
        }
        return cls(**given)

    def table(self) -> TableOptions:
        """Raises ValueError for an invalid mapping."""
        return TableOptions(
            delimiter=self.delimiter,
            decimal=self.decimal,
            dates=self.dates,
            point=self.point,
            time=self.time,
            ignore=self.ignore,
            no_value=self.no_value,
            status=self.status,
            year=self.year,
            stamps=self.stamps,
            mapping=mapping_of(self.mapping),
        )

    def entity_table(self) -> EntityTableOptions:
        table = TableOptions(
            delimiter=self.delimiter,
            decimal=self.decimal,
            dates=self.dates,
            ignore=self.ignore,
            no_value=self.no_value,
        )
        return EntityTableOptions(self.sheets[0] if self.sheets else None, table)

    def reading(self, planned: Mapping[str, Mapping[str, Any]]) -> ReadingOptions:
        return ReadingOptions(self.tz, self.dst, self.convert, planned)
