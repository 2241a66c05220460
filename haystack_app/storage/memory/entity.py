"""An entity of the memory store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..changeset import EntityRow
from ..stored import edges_of

__all__ = ["Entity"]


@dataclass(slots=True)
class Entity:
    """The row of an entity, its JSON, and its decoded tags."""

    row: EntityRow
    raw: str
    decoded: dict[str, Any]
    refs: frozenset[str]
    """Ids that it refers to."""

    @classmethod
    def of(cls, row: EntityRow) -> Entity:
        record = row.record
        refs = frozenset(to for _, to in edges_of(record.tags) if to)
        return cls(row, record.raw, record.tags, refs)
