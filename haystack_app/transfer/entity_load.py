"""Loads entities from files into a store.

All files are checked before the first entity is stored. A database then stores them in
short transactions, so that others can write in between: an interrupted load leaves a
part, and the same load completes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from ..defs.marker_words import MarkerWords
from ..defs.namespace import Namespace
from ..kinds.transient import TRANSIENT
from ..storage.base import Changes, StorageAdapter
from ..storage.errors import InvalidRecord
from ..storage.stored import Stored, loadable, same_tags, stored_form
from ..wire.file_errors import FileErrors, row_error
from ..wire.files import UnreadableFile
from ..wire.record import Record
from .entity_files import read_records

__all__ = ["EntityFiles", "load_stored", "planned_changes"]

_BATCH = 1_000


class EntityFiles:
    """Reads files for a store with these defs.

    ``words`` counts the values M of Trio files, ``new_ids`` the records that had no id.
    """

    def __init__(self, namespace: Namespace) -> None:
        self.words = MarkerWords(namespace)
        self.new_ids = 0

    def stored(self, paths: Iterable[Path]) -> Iterator[Stored]:
        """The validated records of all files; one without an id gets a random one.

        Raises UnreadableFile with all errors: file and row of each invalid record,
        and both files and rows of a duplicate id.
        """
        errors = FileErrors()
        positions: dict[str, tuple[Path, int]] = {}
        for path in paths:
            try:
                rows = read_records(path, self.words, errors)
                for row, record in rows:
                    try:
                        yield self._checked(record, (path, row), positions)
                    except InvalidRecord as err:
                        errors.add(row_error(path, row, str(err)))
            except UnreadableFile as err:
                errors.add(err)
        errors.check()

    def _checked(
        self,
        record: Mapping[str, Any],
        at: tuple[Path, int],
        positions: dict[str, tuple[Path, int]],
    ) -> Stored:
        """Raises InvalidRecord."""
        stored = stored_form(loadable(record))
        self.new_ids += record.get("id") is None
        if stored.id in positions:
            first, row = positions[stored.id]
            raise InvalidRecord(
                f"duplicate id @{stored.id}: also in {first}, row {row}"
            )
        positions[stored.id] = at
        return stored

    def notes(self) -> list[str]:
        """What a person should know about the files, a sentence each."""
        notes = self.words.notes()
        if self.new_ids:
            notes.append(f"{self.new_ids:,} records had no id and got a new one")
        return notes


def load_stored(
    adapter: StorageAdapter,
    put: Sequence[Stored],
    *,
    replace: bool = False,
    at_once: bool = False,
    who: str = "",
) -> Changes:
    """Store entities; ``replace`` then removes all others. Raises InvalidRecord.

    ``at_once``: all of them or none, also if the load is interrupted; so it is in
    stores that are not databases.
    """
    if at_once or getattr(adapter, "using", None) is None:
        return adapter.commit(put, replace=replace, who=who)
    changed = adapter.changing(put)
    done = Changes(unchanged=_ids(put, without=changed))
    for at in range(0, len(changed), _BATCH):
        _add(done, adapter.commit(changed[at : at + _BATCH], who=who))
    if replace:
        others = sorted(adapter.visible_ids() - {one.id for one in put})
        for at in range(0, len(others), _BATCH):
            _add(done, adapter.commit([], remove=others[at : at + _BATCH], who=who))
    return done


def _ids(put: Sequence[Stored], without: Sequence[Stored]) -> list[str]:
    others = {one.id for one in without}
    return [one.id for one in put if one.id not in others]


def _add(changes: Changes, more: Changes) -> None:
    changes.created.extend(more.created)
    changes.updated.extend(more.updated)
    changes.unchanged.extend(more.unchanged)
    changes.removed.extend(more.removed)


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
