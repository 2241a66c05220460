"""Queries for entities in a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from itertools import islice
from typing import Self

import orjson
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...filters import is_relative, parse
from ...filters.ast import Filter
from ...filters.ordering import By
from ...kinds.scalars import is_ref_id
from ...models import Entity, TagSet
from ...models.querysets import RowQuerySet, containing
from ...sql.leaves import both
from ...sql.sqlite_cost import is_wide, too_costly
from ...wire.record import Record, spliced
from ..base import StorageAdapter
from ..changes import Records
from ..changeset import BATCH
from ..errors import TooCostly
from ..search import EVERYTHING, has_words, words_of
from .rows import is_marked, readable_record
from .statements import (
    ROW,
    Row,
    Selection,
    count_matching,
    revisions_matching,
    rows_by_ids,
    rows_matching,
)

__all__ = ["OrmEntities"]

_names_of_set: dict[int, tuple[str, ...]] = {}
"""Tag names by set id, which are the same in every database and never change."""


class OrmEntities(StorageAdapter):
    def __init__(
        self,
        alias: str = "default",
        *,
        using: str = DEFAULT_DB_ALIAS,
        history: str | None = None,
    ) -> None:
        super().__init__(alias)
        self.using = using
        self._history = history

    @property
    def history_using(self) -> str:
        """The alias of the database of the samples, and of what is beside them."""
        return self._history or self.using

    @property
    def is_split(self) -> bool:
        """Whether samples are in another database than entities."""
        return self.history_using != self.using

    @property
    def samples(self) -> BaseDatabaseWrapper:
        """The connection to the database of the samples."""
        return connections[self.history_using]

    def in_replica(self, using: str) -> Self:
        """The same store, read in a replica of its database.

        Samples in a database of their own are read there.
        What is remembered of the defs there stays with the returned store.
        """
        view = copy(self)
        view.using = using
        return view

    @property
    def entities(self) -> RowQuerySet[Entity]:
        """All entities, for writing."""
        rows: RowQuerySet[Entity] = Entity.rows.using(self.using)
        return rows

    @property
    def scope_tree(self) -> Filter | None:
        """The filter of the caller, with resolved symbols."""
        return None if self.scope is None else self.parsed(self.scope)

    @property
    def visible(self) -> RowQuerySet[Entity]:
        """The entities that the caller may see, for reading."""
        return self.entities.within(self.scope_tree)

    def matching(
        self, filter: Filter | str, limit: int | None = None
    ) -> RowQuerySet[Entity]:
        """The entities that match a filter. Raises ParseError and TooCostly.

        ``limit`` says how many rows are asked for.
        """
        selection = self._selection(filter, limit)
        return self.visible.filter(selection.condition)

    def scan(self) -> Iterator[Record]:
        rows = self.visible.order_by("id").values_list(*ROW).iterator()
        while part := [self._record(row) for row in islice(rows, BATCH)]:
            yield from self.shown(part)

    def read(self, filter: Filter | str, limit: int | None = None) -> Records:
        if limit is not None and limit <= 0:
            self.parsed(filter)
            return Records([], frozenset(), [])
        return self.records_of(rows_matching(self._selection(filter, limit)))

    def read_in_order(
        self, filter: Filter | str, order: Sequence[By], limit: int | None = None
    ) -> Records:
        if limit is not None and limit <= 0:
            return self.read(filter, limit)
        selection = self._selection(filter, limit)._replace(order=tuple(order))
        return self.records_of(rows_matching(selection))

    def count(self, filter: Filter | str) -> int:
        return count_matching(self._selection(filter, None))

    def page(self, filter: Filter | str, after: str, size: int) -> Records:
        return self.records_of(rows_matching(self._selection(filter, size, after)))

    def search(
        self,
        text: str,
        filter: Filter | str = EVERYTHING,
        *,
        limit: int | None = None,
        after: str = "",
    ) -> Records:
        rows = containing(self.matching(filter, limit), words_of(text))
        found = rows.filter(id__gt=after).order_by("id").values_list(*ROW)
        if self.scope is None:
            return self.records_of(list(found[:limit]), revised=False)
        seen = self._seen(found.iterator(), words_of(text))
        return Records.of(islice(seen, limit))

    def _seen(self, rows: Iterator[Row], words: Sequence[str]) -> Iterator[Record]:
        """Without entities that only the names of hidden ones would find."""
        while part := [self._record(row) for row in islice(rows, BATCH)]:
            yield from (row for row in self.shown(part) if has_words(row, words))

    def revisions(
        self, filter: Filter, limit: int | None = None
    ) -> Sequence[str] | None:
        if self.scope is not None:
            return None
        if limit is not None and limit <= 0:
            return []
        return revisions_matching(self._selection(filter, limit))

    def page_revisions(
        self, filter: Filter, after: str, size: int
    ) -> Sequence[str] | None:
        if self.scope is not None:
            return None
        return revisions_matching(self._selection(filter, size, after))

    def _selection(
        self, filter: Filter | str, limit: int | None, after: str | None = None
    ) -> Selection:
        """Raises ParseError and TooCostly."""
        tree, scope, drives = self.parsed(filter), self.scope_tree, True
        connection = connections[self.using]
        if connection.vendor == "sqlite":
            if path := too_costly(connection, tree):
                raise TooCostly(path)
            if limit is not None and limit <= BATCH:
                drives = not is_wide(connection, both(scope, tree) if scope else tree)
        asked = parse(filter) if isinstance(filter, str) else filter
        fleeting = is_relative(asked)
        return Selection(self.using, tree, scope, limit, after, drives, fleeting)

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        held = self._stored_by_ids(ids)
        found = dict(zip(held, self.shown(list(held.values())), strict=True))
        return [found.get(id) for id in ids]

    def visible_texts(self, ids: Sequence[str]) -> dict[str, str]:
        return {id: record.raw for id, record in self._stored_by_ids(ids).items()}

    def _stored_by_ids(self, ids: Sequence[str]) -> dict[str, Record]:
        distinct = [id for id in dict.fromkeys(ids) if is_ref_id(id)]
        return {
            row[0]: self._record(row)
            for at in range(0, len(distinct), BATCH)
            for row in rows_by_ids(
                self.using, distinct[at : at + BATCH], self.scope_tree
            )
        }

    def records_of(self, rows: list[Row], *, revised: bool = True) -> Records:
        """The records of rows, and the names of their tags.

        ``revised``: the rows begin with revisions.
        """
        sets = {row[3] for row in rows}
        if not self._has_tag_sets(sets):
            return Records.of(self.shown([self._record(row) for row in rows]))
        names = {name for id in sets for name in _names_of_set[id]}
        for cur in {row[2] for row in rows} - {"{}"}:
            names.update(orjson.loads(cur))
        records = [Record(spliced(tags, cur)) for _, tags, cur, _ in rows]
        if self.scope is not None:  # other entities decide about names, too
            return Records(self.shown(records), frozenset(names))
        revisions = [row[0] for row in rows] if revised else None
        return Records(records, frozenset(names), revisions)

    def _record(self, row: Row) -> Record:
        key, tags, cur, tag_set_id = row
        if not self._has_tag_sets({tag_set_id}):
            id = key.partition(" ")[0]  # of a revision; ids have no spaces
            mod = self.entities.values_list("mod", flat=True).get(id=id)
            return readable_record(id, tags, cur, mod)
        return Record(spliced(tags, cur))

    def tag_names(self, counts: Mapping[int, int]) -> dict[tuple[str, ...], int]:
        """The same counts by the names of each set; marks of rows are left out."""
        self._has_tag_sets(set(counts))
        known = counts.keys() & _names_of_set.keys()
        return {_names_of_set[id]: counts[id] for id in known}

    def _has_tag_sets(self, ids: set[int]) -> bool:
        """Whether all of these are tag sets, and not marks of a row."""
        if missing := ids - _names_of_set.keys():
            for tag_set in TagSet.objects.using(self.using).filter(id__in=missing):
                if not is_marked(tag_set.id):
                    _names_of_set[tag_set.id] = tuple(tag_set.names.split(" "))
        return ids <= _names_of_set.keys()
