"""A file of entities: what is understood of it, and its load in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ..storage.base import StorageAdapter
from ..storage.dangling_refs import dangling_refs
from ..storage.spooled import SpooledRecords
from ..storage.stored import Stored
from ..transfer.entity_load import EntityFiles, planned_changes
from ..transfer.entity_tables.columns import shown_kind
from ..transfer.entity_tables.table import EntityTable
from ..transfer.tables.rows import NAMES
from ..transfer.tables.source import SHEET
from ..wire.files import UnreadableFile
from .corrections import ENTITIES, Corrections

__all__ = ["CheckedEntities", "EntityFile"]

BATCH = 1_000
_SHOWN = 8
_LISTED = 100
_CELL = 200
Report = Callable[[UnreadableFile], object]


@dataclass(slots=True)
class EntityFile:
    """Raises UnreadableFile."""

    store: StorageAdapter
    path: Path
    corrections: Corrections
    files: EntityFiles | None = field(default=None, init=False)

    def check(self, report: Report) -> CheckedEntities:
        """Read and validate all of it; ``report`` gets every error.

        Raises UnreadableFile with the errors.
        """
        self.files = files = EntityFiles(
            self.store.namespace(),
            options=self.corrections.entity_table(),
            existing=self._visible,
            report=report,
        )
        stored = SpooledRecords(files.stored([self.path]))
        return CheckedEntities(self.store, files, stored)

    def tables(self) -> list[dict[str, Any]]:
        """The tables that were read so far."""
        return [] if self.files is None else [_table(one) for one in self.files.tables]

    def _visible(self) -> Iterator[Any]:
        """The records that Refs may name, as far as the caller may see them."""
        return iter(self.store.read("id"))


@dataclass(slots=True)
class CheckedEntities:
    store: StorageAdapter
    files: EntityFiles
    stored: Sequence[Stored]

    @property
    def is_whole(self) -> bool:
        """Whether it is stored at once.

        A record without an id would get another one if it were repeated, and a caller
        with a scope may add refs only to what is stored in the same commit.
        """
        return self.files.new_ids > 0 or self.store.scope is not None

    def parts(self) -> Iterator[Sequence[Stored]]:
        """What is stored in a commit each."""
        if self.is_whole and self.stored:
            yield self.stored
            return
        for at in range(0, len(self.stored), BATCH):
            yield self.stored[at : at + BATCH]

    def _counts(self) -> dict[str, int]:
        """What the load would do. Raises as it would."""
        found = planned_changes(self.store, self.stored)
        return {
            "rows": len(self.stored),
            "created": len(found.created),
            "updated": len(found.updated),
            "unchanged": len(found.unchanged),
        }

    def as_json(self) -> dict[str, Any]:
        """Raises StorageError for what cannot be stored."""
        dangling = dangling_refs(self.store, self.stored)
        return {
            "kind": ENTITIES,
            "counts": self._counts(),
            "notes": self.files.notes(),
            "dangling": [
                {"id": ref.id, "tag": ref.path, "target": ref.target}
                for ref in islice(dangling, _LISTED)
            ],
            "entities": [_entity(one) for one in self.stored[:_SHOWN]],
        }


def _entity(stored: Stored) -> dict[str, str]:
    return {"id": stored.id, "tags": _cut(stored.tags)}


def _table(table: EntityTable) -> dict[str, Any]:
    sheet = table.sheet
    is_sheet = sheet.encoding == SHEET
    rows = (cells for line, cells in sheet.rows if line > table.header_line)
    return {
        "sheet": sheet.choice.used if is_sheet else None,
        "otherSheets": list(sheet.choice.others) if is_sheet else [],
        "encoding": None if is_sheet else sheet.encoding,
        "delimiter": None if is_sheet else _name_of(sheet.delimiter),
        "header": [_cut(cell) for cell in table.headers],
        "rows": [[_cut(cell) for cell in cells] for cells in islice(rows, _SHOWN)],
        "rowsBefore": sheet.preamble,
        "ignored": table.ignored,
        "columns": [
            {
                "header": column.header,
                "use": "words" if column.has_words else "tag",
                "tag": None if column.has_words else column.name,
                "kind": None if column.has_words else shown_kind(str(column.kind)),
                "unit": column.unit,
                "by": column.source,
            }
            for column in table.columns
        ],
    }


def _name_of(delimiter: str) -> str:
    return next(name for name, sign in NAMES.items() if sign == delimiter)


def _cut(text: str) -> str:
    return text if len(text) <= _CELL else f"{text[:_CELL]}…"
