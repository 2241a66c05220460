"""The log of writes to priority arrays, of all points: for the REST API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..storage.names import ref_of
from ..storage.write_log import LevelWrite
from .registry import Context

__all__ = ["NamedWrite", "page"]


@dataclass(frozen=True, slots=True)
class NamedWrite:
    """An entry, and the name of its point; empty for one that does not exist."""

    write: LevelWrite
    dis: str


def page(
    context: Context, cursor: str | None, limit: int
) -> tuple[Sequence[NamedWrite], str | None]:
    """Entries before a cursor, the newest first, and the cursor of the next page.

    None is the end, for both. A page may have fewer entries than ``limit``.
    """
    store = context.storage
    found = store.writes_before(cursor, limit)
    ids = list({write.id for _, write in found.entries})
    rows = store.read_by_ids(ids) if ids else []
    names = {row["id"].id: ref_of(row).dis or "" for row in rows if row is not None}
    entries = [NamedWrite(write, names.get(write.id, "")) for _, write in found.entries]
    return entries, found.cursor or None
