"""Loads entities from files into a store.

All files are checked before the first entity is stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from ..defs.marker_words import MarkerWords
from ..defs.namespace import Namespace
from ..storage.base import Changes, StorageAdapter
from ..storage.errors import InvalidRecord
from ..storage.spooled import ids_of
from ..storage.stored import Stored, loadable, stored_form
from ..wire.file_errors import FileErrors
from ..wire.files import UnreadableFile
from ..wire.record import Record
from .entity_files import read_records
from .entity_tables.names import EntityNames
from .entity_tables.options import EntityTableOptions
from .entity_tables.recognition import is_entity_table
from .entity_tables.records import TableRecords
from .entity_tables.table import EntityTable, read_table
from .row_positions import RowPositions
from .tables.source import TABLE_SUFFIXES, suffix_of

__all__ = ["EntityFiles", "planned_changes"]

_BATCH = 1_000


class EntityFiles:
    """Reads files for a store.

    ``words`` counts the values M of Trio files, ``new_ids`` the records that had no id,
    ``unnamed`` the tags of JSON rows that no column names. ``tables`` are the tables of
    others that were read, ``positions`` the files and rows of all entities.
    ``report`` gets every error.
    """

    def __init__(
        self,
        namespace: Namespace,
        *,
        options: EntityTableOptions | None = None,
        existing: Callable[[], Iterable[Record]] = tuple,
        report: Callable[[UnreadableFile], object] = lambda _: None,
    ) -> None:
        """``existing`` are the records that Refs of tables may name."""
        self.namespace = namespace
        self.options = options or EntityTableOptions()
        self.errors = FileErrors(report)
        self.names = EntityNames(existing)
        self.words = MarkerWords(namespace)
        self.new_ids = 0
        self.unnamed: Counter[str] = Counter()
        self.tables: list[EntityTable] = []
        self.positions = RowPositions()

    def stored(self, paths: Sequence[Path]) -> Iterator[Stored]:
        """The validated records of all files; one without an id gets a random one.

        Those of tables come last, for their Refs may name entities of all files.
        Raises UnreadableFile with all errors: file and row of each invalid record,
        and both files and rows of a duplicate id.
        """
        tables = []
        are_named = any(suffix_of(path) in TABLE_SUFFIXES for path in paths)
        for path in paths:
            try:
                if is_entity_table(path, self.options, self.namespace):
                    tables.append(self._table(path))
                    continue
                rows = read_records(path, self.words, self.errors, self.unnamed)
                for row, record in rows:
                    if are_named:
                        self.names.add(record)
                    yield from self._valid(record, path, "row", row)
            except UnreadableFile as err:
                self.errors.add(err)
        yield from self._of_tables(tables)
        self.errors.check()

    def _table(self, path: Path) -> TableRecords:
        table = read_table(path, self.options, self.namespace, self.errors)
        self.tables.append(table)
        found = TableRecords(table, self.errors)
        self.new_ids += found.new_ids
        return found

    def _of_tables(self, tables: Sequence[TableRecords]) -> Iterator[Stored]:
        for table in tables:
            table.name(self.names)
        for table in tables:
            table.resolve_sites(self.names)
        for table in tables:
            for line, record in table.records(self.names):
                yield from self._valid(record, table.table.path, "line", line)

    def _valid(
        self, record: Mapping[str, Any], path: Path, word: str, number: int
    ) -> Iterator[Stored]:
        """The stored form, or an error."""
        try:
            stored = self._checked(record)
        except InvalidRecord as err:
            self.errors.add(UnreadableFile(path, f"{word} {number}", str(err)))
        else:
            self.positions.add(stored.id, path, word, number)
            yield stored

    def _checked(self, record: Mapping[str, Any]) -> Stored:
        """Raises InvalidRecord."""
        stored = stored_form(loadable(record))
        self.new_ids += record.get("id") is None
        if stored.id in self.positions:
            first, where = self.positions[stored.id]
            raise InvalidRecord(f"duplicate id @{stored.id}: also in {first}, {where}")
        return stored

    def notes(self) -> list[str]:
        """What a person should know about the files, a sentence each."""
        notes = self.words.notes()
        if self.unnamed:
            names = ", ".join(
                f"{name} ({count:,})" for name, count in sorted(self.unnamed.items())
            )
            notes.append(
                f"{self.unnamed.total():,} values of keys that no column of the JSON"
                f" names were kept: {names}"
            )
        if self.new_ids:
            notes.append(f"{self.new_ids:,} records had no id and got a new one")
        return notes


def planned_changes(
    adapter: StorageAdapter, put: Sequence[Stored], *, replace: bool = False
) -> Changes:
    """The changes that ``commit`` would make. Raises InvalidRecord as it does."""
    changes = Changes()
    differing = adapter.changing(put)
    new: set[str] = set()
    for at in range(0, len(differing), _BATCH):
        ids = differing[at : at + _BATCH]
        found = zip(ids, adapter.read_by_ids(ids), strict=True)
        new.update(id for id, record in found if record is None)
    changes.created.extend(id for id in differing if id in new)
    changes.updated.extend(id for id in differing if id not in new)
    given, known = set(ids_of(put)), set(differing)
    changes.unchanged.extend(id for id in ids_of(put) if id not in known)
    if replace:
        held = (orjson.loads(record.raw)["id"]["val"] for record in adapter.scan())
        changes.removed.extend(id for id in held if id not in given)
    return changes
