"""Entities from files into a store, all files or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from ..kinds.transient import TRANSIENT
from ..storage.base import Changes, StorageAdapter
from ..storage.errors import InvalidRecord
from ..storage.stored import Stored, same_tags, stored_form
from ..wire.record import Record
from .entity_files import read_records
from .file_errors import at_row

__all__ = ["planned_changes", "stored_files"]

_BATCH = 1_000


def stored_files(paths: Iterable[Path]) -> Iterator[Stored]:
    """The checked records of all files.

    Raises UnreadableFile naming file and row of a bad record, and both places
    of an id that is given twice.
    """
    places: dict[str, tuple[Path, int]] = {}
    for path in paths:
        for row, record in read_records(path):
            try:
                stored = stored_form(record)
            except InvalidRecord as err:
                raise at_row(path, row, str(err)) from None
            if stored.id in places:
                first, first_row = places[stored.id]
                reason = f"id @{stored.id} was given in {first}, row {first_row}"
                raise at_row(path, row, reason)
            places[stored.id] = (path, row)
            yield stored


def planned_changes(
    adapter: StorageAdapter, put: Sequence[Stored], *, replace: bool = False
) -> Changes:
    """What ``commit`` would do, without doing it."""
    changes = Changes()
    for at in range(0, len(put), _BATCH):
        batch = put[at : at + _BATCH]
        held = adapter.read_by_ids([stored.id for stored in batch])
        for stored, record in zip(batch, held, strict=True):
            if record is None:
                changes.created.append(stored.id)
            elif _changes(record, stored):
                changes.updated.append(stored.id)
            else:
                changes.unchanged.append(stored.id)
    if replace:
        kept = {stored.id for stored in put}
        ids = (orjson.loads(record.raw)["id"]["val"] for record in adapter.scan())
        changes.removed.extend(id for id in ids if id not in kept)
    return changes


def _changes(held: Record, stored: Stored) -> bool:
    before: dict[str, Any] = orjson.loads(held.raw)
    tags = {name: val for name, val in before.items() if name not in TRANSIENT}
    merged = before | orjson.loads(stored.cur)
    return not (
        same_tags(_json(tags), stored.tags) and same_tags(held.raw, _json(merged))
    )


def _json(tags: Mapping[str, Any]) -> str:
    return orjson.dumps(tags).decode()
