"""Finding entities in a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet

from ...filters.ast import Filter
from ...kinds.scalars import is_ref_id
from ...models import Entity, TagSet
from ...models.entity import spliced
from ...sql.compiler import compile_filter
from ...wire.record import Record
from ..base import StorageAdapter
from ..changes import Records
from ..changeset import BATCH
from .scope import within

__all__ = ["OrmEntities"]

_names_of_set: dict[int, tuple[str, ...]] = {}
"""Tag names by set id; an id means the same names in every database for good."""


class OrmEntities(StorageAdapter):
    def __init__(
        self, alias: str = "default", *, using: str = DEFAULT_DB_ALIAS
    ) -> None:
        super().__init__(alias)
        self.using = using

    @property
    def entities(self) -> QuerySet[Entity]:
        """All that there is, for writing."""
        return Entity.objects.using(self.using)

    @property
    def visible(self) -> QuerySet[Entity]:
        """What the caller may see, for reading."""
        if self.scope is None:
            return self.entities
        return within(self.using, self.parsed(self.scope))

    def matching(self, filter: Filter | str) -> QuerySet[Entity]:
        """The entities that a filter matches, for any further query."""
        return self.visible.filter(compile_filter(self.parsed(filter)))

    def scan(self) -> Iterator[Record]:
        rows = self.visible.order_by("id").values_list("tags", "cur")
        return (Record(spliced(*row)) for row in rows.iterator())

    def read(self, filter: Filter | str, limit: int | None = None) -> Records:
        if limit is not None and limit <= 0:
            self.parsed(filter)
            return Records([], frozenset())
        found = self.matching(filter)[:limit].values_list("tags", "cur", "tag_set_id")
        return self.records_of(list(found))

    def page(self, filter: Filter | str, after: str, size: int) -> list[Record]:
        rows = self.matching(filter).filter(id__gt=after).order_by("id")[:size]
        return [Record(spliced(*row)) for row in rows.values_list("tags", "cur")]

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        found: dict[str, Record] = {}
        distinct = [id for id in dict.fromkeys(ids) if is_ref_id(id)]
        for at in range(0, len(distinct), BATCH):
            rows = self.visible.filter(id__in=distinct[at : at + BATCH])
            for id, tags, cur in rows.values_list("id", "tags", "cur"):
                found[id] = Record(spliced(tags, cur))
        return [found.get(id) for id in ids]

    def records_of(self, rows: list[tuple[str, str, int]]) -> Records:
        """Of rows of tags, transient tags and the id of the tag set."""
        names: set[str] = set()
        for names_of_set in self._tag_names({row[2] for row in rows}):
            names.update(names_of_set)
        for cur in {row[1] for row in rows} - {"{}"}:
            names.update(orjson.loads(cur))
        return Records(
            [Record(spliced(tags, cur)) for tags, cur, _ in rows], frozenset(names)
        )

    def _tag_names(self, ids: set[int]) -> Iterator[tuple[str, ...]]:
        if missing := ids - _names_of_set.keys():
            for tag_set in TagSet.objects.using(self.using).filter(id__in=missing):
                _names_of_set[tag_set.id] = tuple(tag_set.names.split(" "))
        return (_names_of_set[id] for id in ids)
