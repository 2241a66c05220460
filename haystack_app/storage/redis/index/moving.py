"""An index that another one is about to replace: read from one, written to both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ....filters.ast import Filter
from ...changeset import EntityRow
from ..server import Command
from .base import Index, Moves
from .terms import Conjunction

__all__ = ["MovingIndex"]


class MovingIndex:
    """``current`` has all entities; ``next`` has them when the reindexing ends."""

    def __init__(self, current: Index, next: Index) -> None:
        self.current, self.next = current, next

    def candidates(
        self, alternatives: Sequence[Conjunction], few: int | None
    ) -> Iterator[dict[str, EntityRow]]:
        return self.current.candidates(alternatives, few)

    def ids(
        self, alternatives: Sequence[Conjunction], most: int | None
    ) -> list[str] | None:
        return self.current.ids(alternatives, most)

    def commands(self, moves: Moves) -> Iterator[Command]:
        yield from self.current.commands(moves)
        yield from self.next.commands(moves)

    def narrowed(self, tree: Filter) -> Filter:
        return self.current.narrowed(tree)

    def terms_of(self, entity: EntityRow) -> set[str]:
        return self.current.terms_of(entity)

    def indexed(self) -> Iterator[tuple[str, set[str]]]:
        return self.current.indexed()

    def held(self, among: Mapping[str, set[str]]) -> dict[str, set[str]]:
        return self.current.held(among)

    def corrections(
        self, id: str, entity: EntityRow | None, missing: set[str], wrong: set[str]
    ) -> Iterator[Command]:
        return self.current.corrections(id, entity, missing, wrong)

    def unindexed(self, ids: Sequence[str]) -> set[str]:
        return self.current.unindexed(ids)

    def faults(self) -> Iterator[str]:
        yield from self.current.faults()
        yield "a reindexing has not ended: run haystack_redis_reindex again"
