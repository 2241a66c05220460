"""Targets of the paths of filters, fetched in batches and once per query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ....filters.ast import And, Compare, Filter, Has, Missing, Or, Path
from ....kinds.scalars import Ref
from ...changeset import EntityRow
from ..entities import Tags

__all__ = ["Resolver", "paths_of"]

Fetch = Callable[[list[str]], Mapping[str, EntityRow]]


class Resolver:
    """Tags by id, with a single version of each entity during the query."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._known: dict[str, Tags | None] = {}
        self._passed: set[str] = set()

    def __call__(self, id: str) -> Tags | None:
        if id not in self._known:
            self._load([id])
        return self._known[id]

    @contextmanager
    def rows(self, rows: Mapping[str, Tags]) -> Iterator[None]:
        """Keep these entities inside, and those on paths for the whole query."""
        new = rows.keys() - self._known.keys()
        self._known.update({id: rows[id] for id in new})
        self._passed.clear()
        try:
            yield
        finally:
            for id in new - self._passed:
                del self._known[id]

    def load(self, ids: Iterable[str]) -> None:
        if missing := [id for id in dict.fromkeys(ids) if id not in self._known]:
            self._load(missing)

    def prefetch(self, ids: Iterable[str], paths: Iterable[Path]) -> set[str]:
        """Fetch the targets of paths from these entities, a batch for each step.

        Returns the ids of all entities on the paths.
        """
        long = [path for path in paths if len(path) > 1]
        starts = list(ids)
        passed: set[str] = set()
        while long:
            missing: set[str] = set()
            for path in long:
                self._walk(starts, path, missing, passed)
            if not missing:
                break
            self._load(sorted(missing))
        self._passed |= passed
        return passed

    def _walk(
        self, starts: list[str], path: Path, missing: set[str], passed: set[str]
    ) -> None:
        """Follow a path step by step from all entities at once."""
        frontier = [
            tags.get(path[0]) for id in starts if (tags := self(id)) is not None
        ]
        for name in path[1:]:
            steps: list[Any] = []
            for id in {ref.id for ref in _refs(frontier)}:
                if id not in self._known:
                    missing.add(id)
                    continue
                passed.add(id)
                if (tags := self._known[id]) is not None:
                    steps.append(tags.get(name))
            steps += [value.get(name) for value in frontier if isinstance(value, dict)]
            frontier = steps

    def _load(self, ids: list[str]) -> None:
        found = self._fetch(ids)
        for id in ids:
            entity = found.get(id)
            self._known[id] = None if entity is None else Tags(entity)


def _refs(values: Iterable[Any]) -> Iterator[Ref]:
    for value in values:
        if isinstance(value, Ref):
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, Ref))


def paths_of(tree: Filter) -> Iterator[Path]:
    """All paths of a filter whose symbols are resolved."""
    if isinstance(tree, And | Or):
        for term in tree.terms:
            yield from paths_of(term)
    elif isinstance(tree, Has | Missing | Compare):
        yield tree.path
