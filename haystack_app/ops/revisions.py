"""What tells the entities of an answer from earlier states of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..storage.changes import Records
from ..wire.record import Record

__all__ = ["revisions_of"]


def revisions_of(rows: Iterable[Any]) -> Sequence[str] | None:
    """Revisions of the entities that are the rows, or else all that they have.

    Empty rows are entities that the caller does not see. None for rows that are
    anything else.
    """
    if isinstance(rows, Records) and rows.revisions is not None:
        return rows.revisions
    if not isinstance(rows, Sequence):
        return None
    if not all(isinstance(row, Record) or row == {} for row in rows):
        return None
    return [row.raw for row in rows if isinstance(row, Record)]
