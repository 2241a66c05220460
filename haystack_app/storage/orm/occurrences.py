"""Tags and values that occur, counted by the database.

Tags are counted by tag sets, which an index has, so that no entity is read for callers
that see all of them.
"""

from __future__ import annotations

from collections import Counter

import orjson
from django.db import connections

from ...filters import is_trash
from ...filters.ast import Filter
from ...models import Entity
from ...models.querysets import RowQuerySet
from ...sql.values import KEYS, WORDS, TagValue
from ...wire.record import Record
from ..occurrences import ValueCount, key_of, sorted_out
from .statements import Statement, statement_of
from .watches import OrmWatches

__all__ = ["OrmOccurrences"]

_MOST = 10_000
"""Distinct values that are looked at: the most frequent ones."""
_LARGEST = {"postgresql": "max(value::text)", "sqlite": "max(value)"}
_FINDS = {
    "postgresql": "strpos({}, %s) > 0",
    "sqlite": "instr({}, %s) > 0",
}


class OrmOccurrences(OrmWatches):
    def tag_counts(self, filter: Filter | str | None = None) -> dict[str, int]:
        is_every = filter is None and self.scope is None
        rows = self.entities if is_every else self.matching(self.counted(filter))
        by_set = self._counts_of(rows)
        counts: Counter[str] = Counter()
        for names, count in self.tag_names(by_set).items():
            if not is_trash(names):
                counts.update(dict.fromkeys(names, count))
        return dict(counts)

    def _counts_of(self, rows: RowQuerySet[Entity]) -> dict[int, int]:
        """How many entities have each tag set."""
        counted = statement_of(self.using, rows.values_list("tag_set_id"))
        head = "SELECT tag_set_id, count(*) FROM"
        text = counted.text and f"{head} ({counted.text}) found GROUP BY tag_set_id"
        return dict(Statement(text, counted.params).rows(self.using))

    def value_counts(
        self,
        tag: str,
        filter: Filter | str | None = None,
        *,
        prefix: str = "",
        limit: int = 100,
    ) -> list[ValueCount]:
        found: dict[str, ValueCount] = {}
        for text, count in self._values(tag, self.counted(filter, tag), prefix):
            value = orjson.loads(text)
            if (key := key_of(value)) is not None:
                before = found[key].count if key in found else 0
                found[key] = ValueCount(value, before + count)
        values = list(found.values())
        if self.scope is not None:
            values = self._shown_values(values)
        return sorted_out(values, prefix, limit)

    def _values(self, tag: str, tree: Filter, prefix: str) -> list[tuple[str, int]]:
        """The most frequent values as JSON.

        The database looks for a prefix if it knows its lower case, and if the names
        that it would find are for all callers.
        """
        rows = self.matching(tree).annotate(value=TagValue(tag)).values_list("value")
        found, vendor = statement_of(self.using, rows), connections[self.using].vendor
        where, params = "", found.params
        if prefix and prefix.isascii() and self.scope is None:
            where = f"WHERE {_FINDS[vendor].format(WORDS[vendor])}"
            params = (*params, f" {prefix.lower()}")
        text = found.text and (
            f"SELECT {_LARGEST[vendor]}, count(*) FROM ({found.text}) AS found {where}"
            f" GROUP BY {KEYS[vendor]} ORDER BY 2 DESC LIMIT {_MOST}"
        )
        return Statement(text, params).rows(self.using)

    def _shown_values(self, found: list[ValueCount]) -> list[ValueCount]:
        """Without the names of entities that the caller does not see."""
        texts = [orjson.dumps({"val": one.val}).decode() for one in found]
        shown = self.shown([Record(text) for text in texts])
        return [
            ValueCount(record.json["val"], one.count)
            for record, one in zip(shown, found, strict=True)
        ]
