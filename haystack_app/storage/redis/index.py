"""The index on a server without modules: a set of ids for each term."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from ...filters.ast import Filter
from .entities import BATCH, Entity, fetch, of_rows
from .keys import Keys
from .reading_scripts import FIND
from .server import Command, Server
from .terms import Conjunction, term_texts

__all__ = ["Index", "Moves", "SetIndex", "terms_of_entity"]

Moves = Mapping[str, tuple[Entity | None, Entity | None]]
"""Entities before and after a change, by their ids."""
MEMBERS = 3_000
"""Ids in one command; Lua passes on 8,000 words at most."""


class Index(Protocol):
    def candidates(
        self, alternatives: Sequence[Conjunction], few: int | None
    ) -> Iterator[dict[str, Entity]]:
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

    def terms_of(self, entity: Entity) -> set[str]:
        """What an entity is to be filed under."""
        ...

    def filed(self) -> Iterator[tuple[str, set[str]]]:
        """Each term that the index knows, and the ids under it."""
        ...

    def faults(self) -> Iterator[str]:
        """What else is wrong with the index, a line each."""
        ...


class SetIndex:
    def __init__(self, server: Server, keys: Keys) -> None:
        self.server, self.keys = server, keys

    def ids(
        self, alternatives: Sequence[Conjunction], most: int | None
    ) -> list[str] | None:
        found = self._find(alternatives, most or 0, few=most is not None)
        if isinstance(found, bytes) or (most is not None and len(found[0]) > most):
            return None
        return [id.decode() for id in found[0]]

    def _find(
        self, alternatives: Sequence[Conjunction], rows: int, *, few: bool
    ) -> Any:
        words = [
            word for terms in alternatives for word in (str(len(terms)), *sorted(terms))
        ]
        return self.server.run(FIND, self.keys.base, rows, int(few), *words)

    def candidates(
        self, alternatives: Sequence[Conjunction], few: int | None
    ) -> Iterator[dict[str, Entity]]:
        few_are_enough = few is not None and few <= BATCH
        found = self._find(alternatives, BATCH, few=few_are_enough)
        if isinstance(found, bytes):
            yield from self._some(found, few or BATCH)
            return
        ids = [id.decode() for id in found[0]]
        if len(found) > 1:
            yield of_rows(ids, found[1])
            return
        for at in range(0, len(ids), BATCH):
            yield fetch(self.server, self.keys, ids[at : at + BATCH])

    def _some(self, key: bytes, few: int) -> Iterator[dict[str, Entity]]:
        """Of a set that may be large, a part after the other."""
        seen: set[str] = set()
        cursor, count = 0, min(max(2 * few, 50), BATCH)
        while True:
            cursor, members = cast(
                "tuple[int, list[bytes]]",
                self.server.redis.sscan(key, cursor, count=count),
            )
            ids = [id for id in (one.decode() for one in members) if id not in seen]
            seen.update(ids)
            yield fetch(self.server, self.keys, ids)
            if cursor == 0:
                return
            count = BATCH

    def commands(self, moves: Moves) -> Iterator[Command]:
        terms = ((id, *changed_terms(*move)) for id, move in moves.items())
        return sorted_into_sets(terms, self.keys.term)

    def narrowed(self, tree: Filter) -> Filter:
        return tree

    def terms_of(self, entity: Entity) -> set[str]:
        return terms_of_entity(entity)

    def filed(self) -> Iterator[tuple[str, set[str]]]:
        first = self.keys.term("")
        for key in self.server.redis.scan_iter(f"{first}*", count=BATCH):
            members = cast("set[bytes]", self.server.redis.smembers(key))
            yield key.decode().removeprefix(first), {id.decode() for id in members}

    def faults(self) -> Iterator[str]:
        return iter(())


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


def terms_of_entity(entity: Entity | None) -> set[str]:
    return set() if entity is None else term_texts(entity.record.tags)


def changed_terms(
    before: Entity | None, after: Entity | None
) -> tuple[set[str], set[str]]:
    """Terms before and after, without those that are known to stay."""
    if before is not None and after is not None and before.tags == after.tags:
        # of transient tags only the names are terms
        return set(before.cur_tags), set(after.cur_tags)
    return terms_of_entity(before), terms_of_entity(after)
