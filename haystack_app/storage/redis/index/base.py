"""The interface of an index of entities, and shared helpers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import orjson

from ....filters.ast import Filter
from ...changeset import EntityRow
from ..entities import BATCH
from ..server import Command
from .terms import Conjunction, term_texts

__all__ = [
    "Index",
    "Moves",
    "changed_terms",
    "first_sizes",
    "parts",
    "sorted_into_sets",
    "terms_of_entity",
]

Moves = Mapping[str, tuple[EntityRow | None, EntityRow | None]]
"""Entities before and after a change, by id."""
FEWEST = 50
"""Entities that are fetched first for a small limit, at least."""
MEMBERS = 3_000
"""Ids in one command; Lua supports at most 8,000 arguments."""


class Index(Protocol):
    def candidates(
        self, alternatives: Sequence[Conjunction], few: int | None
    ) -> Iterator[dict[str, EntityRow]]:
        """Batches that include all entities with one of the alternatives.

        ``few``: the caller will probably stop after so many.
        """
        ...

    def ids(
        self, alternatives: Sequence[Conjunction], most: int | None
    ) -> list[str] | None:
        """Ids of all entities with one of the alternatives; None if they are more than
        the limit, or than the server returns."""
        ...

    def commands(self, moves: Moves) -> Iterator[Command]:
        """The commands that update the index."""
        ...

    def narrowed(self, tree: Filter) -> Filter:
        """A filter with the additional terms of this kind of index."""
        ...

    def terms_of(self, entity: EntityRow) -> set[str]:
        """The terms of an entity."""
        ...

    def indexed(self) -> Iterator[tuple[str, set[str]]]:
        """Each term of the index with its ids."""
        ...

    def held(self, among: Mapping[str, set[str]]) -> dict[str, set[str]]:
        """The terms that the index has of entities; it may look at these only."""
        ...

    def corrections(
        self, id: str, entity: EntityRow | None, missing: set[str], wrong: set[str]
    ) -> Iterator[Command]:
        """The commands that add missing terms of an entity, and remove wrong ones."""
        ...

    def unindexed(self, ids: Sequence[str]) -> set[str]:
        """Those of the entities that the server leaves out of all queries."""
        ...

    def faults(self) -> Iterator[str]:
        """Other errors of the index, a line each."""
        ...


def first_sizes(few: int | None) -> list[int]:
    """How many entities to fetch first, and then, for a caller that needs few.

    The matcher may refuse some of the first. Empty if all are to be fetched.
    """
    if few is None or few > BATCH:
        return []
    return sorted({min(max(2 * few, FEWEST), BATCH), BATCH})


def sorted_into_sets(
    names: Iterable[tuple[str, set[str], set[str]]], key: Callable[[str], str]
) -> Iterator[Command]:
    """The commands that move ids from the sets of their old names to the new ones."""
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
    """Terms before and after, without unchanged ones."""
    if before is not None and after is not None and before.tags == after.tags:
        # only the names of transient tags are terms
        return set(orjson.loads(before.cur)), set(orjson.loads(after.cur))
    return terms_of_entity(before), terms_of_entity(after)
