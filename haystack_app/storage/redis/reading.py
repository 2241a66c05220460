"""Reading entities by ids, filters and pages, with their changes and referrers."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial, wraps
from itertools import islice, takewhile
from threading import local
from typing import Concatenate, ParamSpec, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ...filters.ast import Filter
from ...filters.narrowing import narrowed
from ...filters.ordering import By, first_in_order
from ...filters.planner import AllOf, Plan, plan
from ...kinds.scalars import is_ref_id
from ...redis_urls import CLUSTER, RedisUrl
from ...wire.record import Record
from ..base import StorageAdapter
from ..changes import REMOVE, Change, ChangePage, Records
from ..changeset import EntityRow
from ..time_limit import TimeLimit
from . import entities, layout, log
from .entities import BATCH, names_of, revision_of
from .entity_commands import referring, refs_of
from .history.timeseries import Histories
from .index.base import Index
from .index.query import Query
from .index.terms import MOST_TARGETS, Conjunction, conjunctions
from .keys import Keys
from .layout import Layout, check_names
from .server import LayoutChanged, Server
from .transaction import Transaction

__all__ = ["RedisReading", "on_the_layout_of_now"]


P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound="RedisReading")


def on_the_layout_of_now(
    method: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[S, P], T]:
    """A method that is called again if the store was flushed or reindexed meanwhile."""

    @wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except LayoutChanged:
            return method(self, *args, **kwargs)

    return call


class RedisReading(StorageAdapter):
    """Stored entities, with the changes of the caller's open transaction."""

    def __init__(
        self,
        alias: str = "default",
        *,
        url: str | None = None,
        prefix: str = "haystack",
        modules: bool = True,
    ) -> None:
        super().__init__(alias)
        url = settings.REDIS_URL if url is None else url
        if not url:
            raise ImproperlyConfigured("REDIS_URL is empty, and so is OPTIONS['url']")
        is_cluster = RedisUrl.parse(url).form == CLUSTER
        self.keys = Keys(prefix, is_cluster=is_cluster)
        guard = partial(check_names, keys=self.keys)
        self.server = Server(url, modules=modules, tag=prefix, guard=guard)
        self._local = local()
        self._limit = TimeLimit()
        self._made: tuple[int, Layout, Index, Histories] | None = None

    @property
    def _index(self) -> Index:
        return self._found()[2]

    @property
    def _series(self) -> Histories:
        return self._found()[3]

    def _found(self) -> tuple[int, Layout, Index, Histories]:
        """The store's layout, read again after a restart of the server."""
        found = self._made
        if found is None or found[0] != self.server.starts:
            starts, stored = self.server.starts, layout.stored(self.server, self.keys)
            new = layout.new_layout(self.server) if stored is None else stored
            if stored is None and self._work is not None:
                # the first change creates the layout
                new = stored = layout.record(self.server, self.keys, new)
            parts = self.server, self.keys
            found = starts, new, new.index_of(*parts), new.series_of(*parts)
            self._made = found if stored else None
        return found

    @property
    def _work(self) -> Transaction | None:
        """The open transaction of this thread."""
        return getattr(self._local, "work", None)

    @property
    def place(self) -> str:
        """The location of the data, without a password."""
        return f"{self.server} ({self.keys.base})"

    # -- reading ---------------------------------------------------------------

    def _fetch(self, ids: Sequence[str]) -> dict[str, EntityRow]:
        ids = [id for id in ids if is_ref_id(id)]
        work = self._work
        if work is not None:
            return work.fetch(ids)
        return entities.fetch(self.server, self.keys, ids)

    def _query(self) -> Query:
        scope = None if self.scope is None else self.parsed(self.scope)
        return Query(self._fetch, scope, self._limit.seconds)

    def time_limit(self, seconds: int) -> AbstractContextManager[None]:
        """Limit queries inside, each, and samples that are read, all together; the
        time is checked between batches."""
        return self._limit.within(seconds)

    def _pages(self, after: str = "") -> Iterator[dict[str, EntityRow]]:
        """All entities in order of their ids."""
        pending = self._work.pending.entities if self._work else {}
        new = sorted(id for id, one in pending.items() if one and id > after)
        while page := entities.page(self.server, self.keys, after, BATCH):
            after = max(page)
            due, new = new[: bisect_right(new, after)], new[bisect_right(new, after) :]
            stored = {id: one for id, one in page.items() if id not in pending}
            merged = stored | {id: one for id in due if (one := pending[id])}
            yield {id: merged[id] for id in sorted(merged)}
        yield {id: one for id in new if (one := pending[id])}

    def _candidates(
        self, tree: Filter, few: int | None
    ) -> Iterator[dict[str, EntityRow]]:
        """Batches of all entities that may match, in undefined order."""
        alternatives = self._index_queries(tree)
        if alternatives is None:
            return self._pages()
        return self._index.candidates(alternatives, few)

    def _index_queries(self, tree: Filter) -> list[Conjunction] | None:
        """Queries of the index; None if all entities must be read.

        The index does not have the changes of an open transaction.
        """
        if self._work is not None and self._work.pending.entities:
            return None
        alternatives = self._alternatives(tree)
        return None if alternatives == [frozenset()] else alternatives

    def _alternatives(self, tree: Filter) -> list[Conjunction]:
        """Queries of the index, with the scope."""
        whole = self._plan(narrowed(tree, self._targets))
        if self.scope is not None:
            scope = narrowed(self.parsed(self.scope), self._targets)
            whole = AllOf((whole, self._plan(scope)))
        return conjunctions(whole)

    def _plan(self, tree: Filter) -> Plan:
        return plan(self._index.narrowed(tree))

    def _targets(self, tree: Filter) -> list[str] | None:
        alternatives = conjunctions(self._plan(tree))
        if alternatives == [frozenset()]:
            return None
        return self._index.ids(alternatives, MOST_TARGETS)

    def _matching(self, tree: Filter, few: int | None) -> Iterator[EntityRow]:
        query = self._query()
        for batch in self._candidates(tree, few):
            yield from query.matching(tree, batch)

    @on_the_layout_of_now
    def read(self, filter: Filter | str, limit: int | None = None) -> Records:
        tree = self.parsed(filter)
        if limit is not None and limit <= 0:
            return Records([], frozenset(), [])
        found = {one.id: one for one in islice(self._matching(tree, limit), limit)}
        return self._records(list(found.values()))

    @on_the_layout_of_now
    def read_in_order(
        self, filter: Filter | str, order: Sequence[By], limit: int | None = None
    ) -> Records:
        found = self._distinct(self.parsed(filter))
        return self._records(
            first_in_order(found, order, limit, lambda one: one.record.json)
        )

    @on_the_layout_of_now
    def count(self, filter: Filter | str) -> int:
        return sum(1 for _ in self._distinct(self.parsed(filter)))

    def _distinct(self, tree: Filter) -> Iterator[EntityRow]:
        """All entities that match, each once: batches may have one again."""
        seen: set[str] = set()
        for one in self._matching(tree, None):
            if one.id not in seen:
                seen.add(one.id)
                yield one

    @on_the_layout_of_now
    def page(self, filter: Filter | str, after: str, size: int) -> Records:
        tree = self.parsed(filter)
        query = self._query()
        rows = (
            one
            for batch in self._in_order(tree, after, size)
            for one in query.matching(tree, batch)
        )
        return self._records(list(islice(rows, size)))

    def _records(self, rows: Sequence[EntityRow]) -> Records:
        records = self.shown([one.record for one in rows])
        if self.scope is not None:
            return Records(records, names_of(rows))
        return Records(records, names_of(rows), [revision_of(one) for one in rows])

    def _in_order(
        self, tree: Filter, after: str, size: int
    ) -> Iterator[dict[str, EntityRow]]:
        """Batches of all entities after an id that may match, in order of their ids."""
        alternatives = self._index_queries(tree)
        found = None if alternatives is None else self._index.ids(alternatives, None)
        if found is None:
            yield from self._pages(after)
            return
        ids = sorted(id for id in found if id > after)
        step = min(max(2 * size, 50), BATCH)
        for at in range(0, len(ids), step):
            part = ids[at : at + step]
            held = self._fetch(part)
            yield {id: held[id] for id in part if id in held}

    def scan(self) -> Iterator[Record]:
        query = self._query()
        for batch in self._pages():
            yield from self.shown([it.record for it in query.visible(batch).values()])

    def read_by_ids(self, ids: Sequence[str]) -> list[Record | None]:
        held = self.visible_texts(ids)
        records = self.shown([Record(text) for text in held.values()])
        found = dict(zip(held, records, strict=True))
        return [found.get(id) for id in ids]

    def visible_texts(self, ids: Sequence[str]) -> dict[str, str]:
        found = self._query().visible(self._fetch(list(dict.fromkeys(ids))))
        return {id: row.raw for id, row in found.items()}

    @on_the_layout_of_now
    def versions(
        self, filter: Filter, ids: Collection[str] | None = None
    ) -> dict[str, int]:
        tree = self.parsed(filter)
        found = self._matching(tree, None) if ids is None else self._among(tree, ids)
        return {entity.id: entity.version for entity in found}

    def versioned(
        self, filter: Filter, ids: Sequence[str]
    ) -> dict[str, tuple[int, Record]]:
        rows = list(self._among(self.parsed(filter), ids))
        records = self.shown([row.record for row in rows])
        found = zip(rows, records, strict=True)
        return {row.id: (row.version, record) for row, record in found}

    def _among(self, tree: Filter, ids: Collection[str]) -> Iterator[EntityRow]:
        """Those of the entities that match."""
        query, wanted = self._query(), list(ids)
        for at in range(0, len(wanted), BATCH):
            batch = self._fetch(wanted[at : at + BATCH])
            yield from query.matching(tree, batch)

    def changes_of(self, id: str, limit: int = 100) -> list[Change]:
        if not is_ref_id(id) or (self.scope is not None and not self._is_visible(id)):
            return []
        pending = self._work.pending.log if self._work else []
        recent = [change for change in reversed(pending) if change.id == id]
        every = None if self.scope is not None else limit
        found = [*recent, *log.changes_of(self.server, self.keys, id, every)]
        if self.scope is not None:  # the id may have been a hidden entity's before
            found = list(takewhile(lambda change: change.kind != REMOVE, found))
        return self.shown_changes(found[:limit])

    def changes_since(self, cursor: int | None, limit: int) -> ChangePage:
        """Without entries of an open transaction, which have no cursors yet."""
        return log.since(self.server, self.keys, cursor, limit)

    def logged_commit(self, cursor: int, limit: int | None = None) -> list[Change]:
        return log.commit_at(self.server, self.keys, cursor, limit)

    def prune_changes(self, before: dt.datetime, limit: int = 1_000) -> int:
        return log.prune(self.server, self.keys, before, limit)

    def _is_visible(self, id: str) -> bool:
        return bool(self._query().visible_ids([id]))

    def referrers(self, ids: Sequence[str], limit: int) -> list[str]:
        wanted = set(ids)
        found = referring(self.server, self.keys, wanted)
        pending = self._work.pending.entities if self._work else {}
        found -= pending.keys()
        found.update(id for id, one in pending.items() if refs_of(one) & wanted)
        found -= wanted
        if self.scope is not None:
            found = self._query().visible_ids(found)
        return sorted(found)[:limit]
