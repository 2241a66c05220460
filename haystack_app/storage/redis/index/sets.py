"""The index on a server without modules: a set of ids for each term."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ....filters.ast import Filter
from ...changeset import EntityRow
from ..entities import BATCH, fetch, of_rows
from ..keys import Keys
from ..scripts import FIND, Row
from ..server import Command, Server
from .base import Moves, changed_terms, first_sizes, sorted_into_sets, terms_of_entity
from .terms import Conjunction

__all__ = ["SetIndex"]


class SetIndex:
    def __init__(self, server: Server, keys: Keys) -> None:
        self.server, self.keys = server, keys

    def ids(
        self, alternatives: Sequence[Conjunction], most: int | None
    ) -> list[str] | None:
        found = self._find(alternatives, most or 0, few=most is not None)
        if isinstance(found, str) or (most is not None and len(found[0]) > most):
            return None
        return found[0]

    def _find(
        self, alternatives: Sequence[Conjunction], rows: int, *, few: bool
    ) -> str | tuple[list[str], list[Row | None] | None]:
        keys = self.keys
        words = [
            word for terms in alternatives for word in (str(len(terms)), *sorted(terms))
        ]
        first = keys.entities, keys.term_sets
        return self.server.run(FIND, [keys.meta], *first, rows, int(few), *words)

    def candidates(
        self, alternatives: Sequence[Conjunction], few: int | None
    ) -> Iterator[dict[str, EntityRow]]:
        sizes = first_sizes(few)
        found = self._find(alternatives, BATCH, few=bool(sizes))
        if isinstance(found, str):
            yield from self._some(found, sizes)
            return
        ids, rows = found
        if rows is not None:
            yield of_rows(ids, rows)
            return
        for at in range(0, len(ids), BATCH):
            yield fetch(self.server, self.keys, ids[at : at + BATCH])

    def _some(self, key: str, sizes: Sequence[int]) -> Iterator[dict[str, EntityRow]]:
        """The members of a set that may be large, in parts."""
        seen: set[str] = set()
        cursor, count = 0, sizes[0]
        while True:
            cursor, members = self.server.sscan(key, cursor, count)
            ids = [id for id in members if id not in seen]
            seen.update(ids)
            yield fetch(self.server, self.keys, ids)
            if cursor == 0:
                self._check_kind()
                return
            count = BATCH

    def _check_kind(self) -> None:
        """Raises LayoutChanged if the set may have been deleted while it was read."""
        kind = self.server.hget(self.keys.meta, "index")
        if kind is not None and not kind.startswith(b"sets"):
            raise self.server.changed("the store has an index of another kind now")

    def commands(self, moves: Moves) -> Iterator[Command]:
        terms = ((id, *changed_terms(*move)) for id, move in moves.items())
        return sorted_into_sets(terms, self.keys.term)

    def narrowed(self, tree: Filter) -> Filter:
        return tree

    def terms_of(self, entity: EntityRow) -> set[str]:
        return terms_of_entity(entity)

    def indexed(self) -> Iterator[tuple[str, set[str]]]:
        for term in self.server.scan(self.keys.term_sets):
            yield term, self.server.smembers(self.keys.term(term))

    def held(self, among: Mapping[str, set[str]]) -> dict[str, set[str]]:
        pairs = [(id, term) for id, terms in among.items() for term in terms]
        words = (("SISMEMBER", self.keys.term(term), id) for id, term in pairs)
        answers = self.server.together(*words)
        found: dict[str, set[str]] = {id: set() for id in among}
        for (id, term), is_member in zip(pairs, answers, strict=True):
            if is_member:
                found[id].add(term)
        return found

    def corrections(
        self, id: str, entity: EntityRow | None, missing: set[str], wrong: set[str]
    ) -> Iterator[Command]:
        for term in wrong:
            yield "SREM", self.keys.term(term), id
        for term in missing:
            yield "SADD", self.keys.term(term), id

    def unindexed(self, ids: Sequence[str]) -> set[str]:
        return set()

    def faults(self) -> Iterator[str]:
        return iter(())
