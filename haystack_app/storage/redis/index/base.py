"""What an index of entities is, and what all of them share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import orjson

from ....filters.ast import Filter
from ...changeset import EntityRow
from ..server import Command
from .terms import Conjunction, term_texts

__all__ = [
    "Index",
    "Moves",
    "changed_terms",
    "parts",
    "sorted_into_sets",
    "terms_of_entity",
]

Moves = Mapping[str, tuple[EntityRow | None, EntityRow | None]]
"""Entities before and after a change, by their ids."""
MEMBERS = 3_000
"""Ids in one command; Lua passes on 8,000 words at most."""


class Index(Protocol):
    def candidates(
        self, alternatives: Sequence[Conjunction], few: int | None
    ) -> Iterator[dict[str, EntityRow]]:
        """Batches of entities that include all that one of the alternatives has.

        ``few``: after so many the caller may well stop.
        """
        ...

    def ids(
        self, alternatives: Sequence[Conjunction], most: int | None
    ) -> list[str] | None:
        """Ids of all that one of the alternatives has; None if they are more, or
        more than the server tells."""
        ...

    def commands(self, moves: Moves) -> Iterator[Command]:
        """What brings the index up to date."""
        ...

    def narrowed(self, tree: Filter) -> Filter:
        """With terms that this kind of index knows beside those of the planner."""
        ...

    def terms_of(self, entity: EntityRow) -> set[str]:
        """What an entity is to be filed under."""
        ...

    def filed(self) -> Iterator[tuple[str, set[str]]]:
        """Each term that the index knows, and the ids under it."""
        ...

    def faults(self) -> Iterator[str]:
        """What else is wrong with the index, a line each."""
        ...


def sorted_into_sets(
    names: Iterable[tuple[str, set[str], set[str]]], key: Callable[[str], str]
) -> Iterator[Command]:
    """What moves ids from the sets of their names before into those behind."""
    added: dict[str, list[str]] = defaultdict(list)
    removed: dict[str, list[str]] = defaultdict(list)
    for id, was, becomes in names:
        for name in becomes - was:
            added[name].append(id)
        for name in was - becomes:
            removed[name].append(id)
    for command, ids_of in (("SREM", removed), ("SADD", added)):
        for name, ids in ids_of.items():
            for part in parts(ids):
                yield command, key(name), *part


def parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), MEMBERS):
        yield ids[at : at + MEMBERS]


def terms_of_entity(entity: EntityRow | None) -> set[str]:
    return set() if entity is None else term_texts(entity.record.tags)


def changed_terms(
    before: EntityRow | None, after: EntityRow | None
) -> tuple[set[str], set[str]]:
    """Terms before and after, without those that are known to stay."""
    if before is not None and after is not None and before.tags == after.tags:
        # of transient tags only the names are terms
        return set(orjson.loads(before.cur)), set(orjson.loads(after.cur))
    return terms_of_entity(before), terms_of_entity(after)
