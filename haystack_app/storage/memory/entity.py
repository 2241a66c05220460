"""An entity of the memory store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..changeset import EntityRow

__all__ = ["Entity"]


@dataclass(slots=True)
class Entity:
    """The row of an entity, its JSON, and its decoded tags."""

    row: EntityRow
    raw: str
    decoded: dict[str, Any]

    @classmethod
    def of(cls, row: EntityRow) -> Entity:
        record = row.record
        return cls(row, record.raw, record.tags)
