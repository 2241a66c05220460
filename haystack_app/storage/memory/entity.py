"""An entity as the memory store holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..changeset import EntityRow

__all__ = ["Entity"]


@dataclass(slots=True)
class Entity:
    """The row of an entity, its whole JSON, and that decoded."""

    row: EntityRow
    raw: str
    decoded: dict[str, Any]

    @classmethod
    def of(cls, row: EntityRow) -> Entity:
        record = row.record
        return cls(row, record.raw, record.tags)
