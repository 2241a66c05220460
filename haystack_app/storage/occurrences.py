"""Tags and values that occur, with the number of entities that have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ..filters import without_trash
from ..filters.ast import And, Filter, Has
from ..kinds.transient import TRANSIENT
from .search import EVERYTHING, SearchStore

__all__ = ["OccurrenceStore", "ValueCount", "begins", "chosen", "key_of", "sorted_out"]

_LITERALS = {"ref", "number", "uri", "date", "time", "symbol"}
"""Kinds of objects in Hayson that a filter compares with."""


@dataclass(frozen=True)
class ValueCount:
    """A value as JSON of Hayson, and how many entities have it."""

    val: Any
    count: int


class OccurrenceStore(SearchStore):
    def tag_counts(self, filter: Filter | str | None = None) -> dict[str, int]:
        """Entities with each persistent tag, of those that match a filter.

        Entities in the trash do not count. Raises ParseError.
        """
        counts: Counter[str] = Counter()
        for record in self.read(self.counted(filter)):
            counts.update(record.json.keys() - TRANSIENT)
        return dict(counts)

    def value_counts(
        self,
        tag: str,
        filter: Filter | str | None = None,
        *,
        prefix: str = "",
        limit: int = 100,
    ) -> list[ValueCount]:
        """The most frequent values of a tag, of entities that match a filter.

        Entities in the trash do not count.
        Values are Bool, Number, Str, Ref, Uri, Date, Time and Symbol: those that a
        filter compares with. Refs are equal by id. ``prefix`` begins a word of the
        value's text, in any case: of a Ref, of its name or its id. Raises ParseError.
        """
        rows = self.read(self.counted(filter, tag))
        return chosen((row.json.get(tag) for row in rows), prefix, limit)

    def counted(self, filter: Filter | str | None, *tags: str) -> Filter:
        """The entities that match, have tags, and are not in the trash."""
        terms = [Has((tag,)) for tag in tags]
        tree = self.parsed(EVERYTHING if filter is None else filter)
        return without_trash(And((tree, *terms)))

    def read(self, filter: Filter | str, limit: int | None = None) -> Any:
        raise NotImplementedError


def chosen(values: Iterable[Any], prefix: str, limit: int) -> list[ValueCount]:
    """Count values, each of one entity, and choose by prefix; see ``value_counts``."""
    counts: Counter[str] = Counter()
    held: dict[str, Any] = {}
    for value in values:
        if (key := key_of(value)) is not None:
            counts[key] += 1
            held.setdefault(key, value)
    found = [ValueCount(held[key], count) for key, count in counts.items()]
    return sorted_out(found, prefix, limit)


def sorted_out(
    found: Sequence[ValueCount], prefix: str, limit: int
) -> list[ValueCount]:
    """Those that begin with a prefix, the most frequent first."""
    wanted = [one for one in found if begins(one.val, prefix)]
    wanted.sort(key=lambda one: (-one.count, key_of(one.val) or ""))
    return wanted[:limit]


def key_of(value: Any) -> str | None:
    """The same text for equal values; None for values that no filter compares with."""
    if isinstance(value, dict):
        if value.get("_kind") not in _LITERALS:
            return None
        value = {name: part for name, part in value.items() if name != "dis"}
    elif not isinstance(value, bool | int | float | str):
        return None
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def begins(value: Any, prefix: str) -> bool:
    """Whether a word of the text of a value begins with ``prefix``."""
    return f" {prefix.lower()}" in f" {_text_of(value).lower()}"


def _text_of(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value.get('dis', '')} {value.get('val', '')}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
