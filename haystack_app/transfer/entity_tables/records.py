"""The records of tables: ids for those without one, and Refs in place of names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...kinds.scalars import Ref
from ...storage.stored import with_id
from ...wire.file_errors import FileErrors
from ..tables.errors import BadCell
from .cells import RefName
from .names import EntityNames
from .table import EntityRow, EntityTable

__all__ = ["TableRecords"]

_REMEDY = "write @id for an entity that is loaded later"
_REMEDY_SEVERAL = "write the @id of one"


class TableRecords:
    """The rows of one table; ``new_ids`` counts the valid ones that had no id."""

    def __init__(self, table: EntityTable, errors: FileErrors) -> None:
        self.table, self.errors = table, errors
        self.new_ids = 0
        self.rows: Sequence[EntityRow] = list(map(self._with_id, table.rows(errors)))

    def _with_id(self, row: EntityRow) -> EntityRow:
        """The row with an id, by which the Refs of others find it."""
        if row.is_valid and not row.tags:
            reason = "the row has no tags"
            self.errors.add(BadCell(self.table.path, row.line, "", reason, ""))
            return row._replace(is_valid=False)
        self.new_ids += row.is_valid and "id" not in row.tags
        return row._replace(tags=dict(with_id(row.tags)))

    def name(self, names: EntityNames) -> None:
        """Make the entities known; names of sites are found first."""
        for row in self.rows:
            names.add(row.tags)

    def resolve_sites(self, names: EntityNames) -> None:
        """So that the site decides between equips with equal names."""
        self._resolve(names, only="siteRef")
        self.name(names)

    def records(self, names: EntityNames) -> Iterator[tuple[int, dict[str, Any]]]:
        """Valid records with their lines. Names without entity are errors."""
        self._resolve(names)
        for row in self.rows:
            if row.is_valid:
                yield row.line, row.tags

    def _resolve(self, names: EntityNames, only: str = "") -> None:
        found = []
        for row in self.rows:
            is_valid = row.is_valid
            for tag, value in list(row.tags.items()):
                if not isinstance(value, RefName) or only not in ("", tag):
                    continue
                site = row.tags.get("siteRef")
                own = site.id if isinstance(site, Ref) else None
                try:
                    row.tags[tag] = names.ref(tag, value.text, own)
                except ValueError as err:
                    is_valid = False
                    del row.tags[tag]
                    self._refuse(row, tag, str(err))
            found.append(row._replace(is_valid=is_valid))
        self.rows = found

    def _refuse(self, row: EntityRow, tag: str, reason: str) -> None:
        remedy = _REMEDY if reason.startswith("no entity") else _REMEDY_SEVERAL
        path, header = self.table.path, self.table.header(tag)
        self.errors.add(BadCell(path, row.line, header, reason, remedy))
