"""What stores answer: records, what a commit did, and what was once changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..wire.record import Record

__all__ = ["ADD", "REMOVE", "UPDATE", "Change", "Changes", "LogPart", "Records"]


@dataclass(frozen=True, slots=True)
class Records:
    """An answer: records, and the names of all tags that occur in them."""

    rows: Sequence[Record]
    names: frozenset[str]

    @classmethod
    def of(cls, rows: Iterable[Record]) -> Records:
        kept = list(rows)
        return cls(kept, frozenset(name for row in kept for name in row))

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a commit did, by ids."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """Of all that is not as it was."""
        return [*self.created, *self.updated, *self.removed]


ADD, UPDATE, REMOVE = "add", "update", "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log: an entity that was added, updated or removed.

    ``before`` has what the changed persistent tags were (all tags of a removed
    entity, none of an added one), ``after`` what became of those that an update
    left there. Walking back from an entity's tags gives each earlier state.
    """

    at: dt.datetime
    who: str
    id: str
    kind: str
    before: Record
    after: Record


@dataclass(frozen=True, slots=True)
class LogPart:
    """Neighbours in the change log, in the order of the commits.

    ``entries`` are (place, change); places grow, but not by one. ``cursor`` is the
    place to go on behind, ``more`` whether there is something behind it already.
    """

    entries: Sequence[tuple[int, Change]]
    cursor: int
    more: bool
