"""One query: the entities that match and that the caller may see."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

from .... import filters
from ....filters.ast import Filter
from ...changeset import EntityRow
from ...errors import StatementTimeout
from ..entities import Tags
from .resolver import Fetch, Resolver, paths_of

__all__ = ["Query"]


class Query:
    """Filters over fetched entities; ``scope`` is what the caller may see.

    Hidden entities do not exist for the paths of filters; those of the scope run
    through all entities. Raises StatementTimeout after ``seconds``.
    """

    def __init__(
        self, fetch: Fetch, scope: Filter | None, seconds: int | None = None
    ) -> None:
        self._seconds = seconds
        self._began = time.monotonic()
        self._all = Resolver(fetch)
        self._scope = scope
        self._scope_paths = set() if scope is None else set(paths_of(scope))
        self._verdicts: dict[str, bool] = {}

    def matching(
        self, tree: Filter, entities: Mapping[str, EntityRow]
    ) -> Iterator[EntityRow]:
        """The visible entities that match."""
        self._check_time()
        rows = {id: Tags(entity) for id, entity in entities.items()}
        with self._all.rows(rows):
            passed = self._all.prefetch(rows, set(paths_of(tree)))
            self._all.prefetch([*rows, *passed], self._scope_paths)
            for id, tags in rows.items():
                if self._is_visible(id) and filters.matches(tree, tags, self._found):
                    yield entities[id]

    def visible(self, entities: Mapping[str, EntityRow]) -> dict[str, EntityRow]:
        """The entities that the caller may see."""
        self._check_time()
        if self._scope is None:
            return dict(entities)
        rows = {id: Tags(entity) for id, entity in entities.items()}
        with self._all.rows(rows):
            self._all.prefetch(rows, self._scope_paths)
            return {id: one for id, one in entities.items() if self._is_visible(id)}

    def visible_ids(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids whose entities exist for the caller."""
        wanted = list(ids)
        self._all.load(wanted)
        self._all.prefetch(wanted, self._scope_paths)
        return {id for id in wanted if self._is_visible(id)}

    def _check_time(self) -> None:
        """Check the time between two batches, each of a few 0.01 s."""
        if self._seconds and time.monotonic() - self._began > self._seconds:
            raise StatementTimeout(self._seconds)

    def _is_visible(self, id: str) -> bool:
        if self._scope is None:
            return self._all(id) is not None
        if id not in self._verdicts:
            tags = self._all(id)
            self._verdicts[id] = tags is not None and filters.matches(
                self._scope, tags, self._all
            )
        return self._verdicts[id]

    def _found(self, id: str) -> Tags | None:
        return self._all(id) if self._is_visible(id) else None
