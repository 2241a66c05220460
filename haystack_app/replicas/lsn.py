"""Positions in the log of PostgreSQL, as numbers of bytes."""

from __future__ import annotations

from typing import Any

__all__ = ["CURRENT", "REPLAYED", "position_of"]

CURRENT = "pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
"""SQL, on a primary: every earlier commit is before it."""
REPLAYED = "pg_last_wal_replay_lsn() - '0/0'::pg_lsn"
"""SQL, on a replica: what was committed before it can be seen."""
_PAGE = 8_192
_HEADERS = (24, 40)
"""Bytes of the header of a page, and of the first page of a segment."""


def position_of(value: Any) -> int:
    """The end of the last record.

    At the end of a page the primary reports where the next record will begin, after the
    header of the next page, which no replica reaches before there is one.
    """
    position = int(value)
    return position - position % _PAGE if position % _PAGE in _HEADERS else position
