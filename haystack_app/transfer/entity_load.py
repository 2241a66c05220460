"""Loads entities from files into a store, all files or none."""

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
from .file_errors import row_error

__all__ = ["planned_changes", "stored_files"]

_BATCH = 1_000


def stored_files(paths: Iterable[Path]) -> Iterator[Stored]:
    """The validated records of all files.

    Raises UnreadableFile with file and row of an invalid record, and with both files
    and rows of a duplicate id.
    """
    positions: dict[str, tuple[Path, int]] = {}
    for path in paths:
        for row, record in read_records(path):
            try:
                stored = stored_form(record)
            except InvalidRecord as err:
                raise row_error(path, row, str(err)) from None
            if stored.id in positions:
                first, first_row = positions[stored.id]
                reason = f"duplicate id @{stored.id}: also in {first}, row {first_row}"
                raise row_error(path, row, reason)
            positions[stored.id] = (path, row)
            yield stored


def planned_changes(
    adapter: StorageAdapter, put: Sequence[Stored], *, replace: bool = False
) -> Changes:
    """The changes that ``commit`` would make."""
    changes = Changes()
    for at in range(0, len(put), _BATCH):
        batch = put[at : at + _BATCH]
        existing = adapter.read_by_ids([stored.id for stored in batch])
        for stored, record in zip(batch, existing, strict=True):
            if record is None:
                changes.created.append(stored.id)
            elif _differs(record, stored):
                changes.updated.append(stored.id)
            else:
                changes.unchanged.append(stored.id)
    if replace:
        given = {stored.id for stored in put}
        ids = (orjson.loads(record.raw)["id"]["val"] for record in adapter.scan())
        changes.removed.extend(id for id in ids if id not in given)
    return changes


def _differs(record: Record, stored: Stored) -> bool:
    before: dict[str, Any] = orjson.loads(record.raw)
    tags = {name: val for name, val in before.items() if name not in TRANSIENT}
    merged = before | orjson.loads(stored.cur)
    return not (
        same_tags(_json(tags), stored.tags) and same_tags(record.raw, _json(merged))
    )


def _json(tags: Mapping[str, Any]) -> str:
    return orjson.dumps(tags).decode()
