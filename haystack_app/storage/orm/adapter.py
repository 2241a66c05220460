"""Entities and histories in a database, through Django's ORM.

SQLite, PostgreSQL and TimescaleDB. Filters are compiled to SQL completely;
stored JSON goes to the response without being decoded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import chain
from typing import Any

from django.core import checks
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, F, OuterRef, QuerySet

from ... import models
from ...folds.rollup import Rollup, Sample
from ...kinds.series import LARGEST_CHUNK, Chunk
from ...models import EntityRef, HisSample
from ...models.lookups import OneOf
from ..changes import REMOVE, Change, ChangePage
from ..changeset import BATCH, Changeset, EntityRow
from ..folds import PlacedRow
from ..priority_array import Level
from ..quality import Findings, Window
from ..sample_edits import SampleChange, SampleEdit
from ..samples import Batch, Extent, HisPoint
from ..stored import transient_text
from ..write_log import LevelWrite, WritePage
from . import (
    commit,
    decimation,
    dropping,
    fold_work,
    folds,
    history,
    history_checks,
    history_tasks,
    hypertable,
    levels,
    libs,
    log,
    quality,
    sample_log,
    sample_windows,
    tasks,
    transient,
    usage,
)
from .chunk_creation import create_chunks
from .consistency import OrmConsistency
from .history_database import committed_first, is_inside, writing
from .locks import entities_locked, lock_rows
from .sqlite_lock import let_others_write
from .time_limit import time_limit

__all__ = ["OrmAdapter"]


class OrmAdapter(OrmConsistency):
    """``OPTIONS``: ``using``, the alias of the database in ``DATABASES``; ``history``,
    that of another one for the samples."""

    persistent = True
    shared = True
    supports_policies = True
    changed_by_sql = True
    supports_rollup = True
    splits_commits = True

    @property
    def splits_samples(self) -> bool:  # type: ignore[override]
        """SQLite has one writer at a time; other databases lock the points only."""
        return connections[self.using].vendor == "sqlite"

    # -- writing --------------------------------------------------------------

    @property
    def database(self) -> str:
        return self.using

    @property
    def databases(self) -> list[str]:
        return [self.using, self.history_using] if self.is_split else [self.using]

    @contextmanager
    def locked(self, ids: Sequence[str] | None = None) -> Iterator[None]:
        with self._transaction():
            if ids is None:
                with entities_locked(connections[self.using]):
                    yield
            else:
                lock_rows(connections[self.using], ids)
                yield

    def _transaction(self) -> AbstractContextManager[None]:
        if self.is_split:
            return committed_first(self.samples, connections[self.using])
        return transaction.atomic(using=self.using)

    def committing(
        self, ids: Sequence[str] | None = None
    ) -> AbstractContextManager[None]:
        """Lock all entities, so that the log's ids are in the order of the commits."""
        return self.locked()

    def let_others_write(self) -> None:
        connection = connections[self.using]
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            let_others_write()

    def stored_rows(self, ids: Sequence[str]) -> dict[str, EntityRow]:
        return commit.stored_rows(self.using, ids)

    def visible_ids(self, ids: Collection[str] | None = None) -> set[str]:
        if ids is None:
            return set(self.visible.values_list("id", flat=True))
        found: set[str] = set()
        wanted = list(ids)
        for at in range(0, len(wanted), BATCH):
            rows = self.visible.filter(OneOf(F("id"), wanted[at : at + BATCH]))
            found.update(rows.values_list("id", flat=True))
        return found

    def apply(self, changes: Changeset) -> None:
        if self.is_split:
            self._apply_to_samples(changes)
        commit.apply(self.using, changes)

    def _apply_to_samples(self, changes: Changeset) -> None:
        """What removed entities had goes after the commit, in which others begin."""
        if begun := commit.new_histories(changes):
            with writing(self.samples):
                history_tasks.begin_anew(self.samples, begun)
        if removed := changes.removed:
            with writing(self.samples):
                tasks = history_tasks.of_removals(self.samples, removed)
            self.finish_later(history_tasks.remove, tasks)

    def _changing(self, batches: Mapping[str, Batch]) -> None:
        """Leave a task until the entities say what their samples are."""
        if self.is_split:
            tasks = history_tasks.of_writes(self.samples, batches)
            self.finish_later(history_tasks.finish, tasks)

    def finish_later(
        self,
        finish: Callable[[BaseDatabaseWrapper, Sequence[int]], object],
        tasks: Sequence[int],
    ) -> None:
        """After the commit of the entities; what fails is left to
        ``mend_histories``."""

        def call() -> None:  # Django logs its name
            finish(self.samples, tasks)

        transaction.on_commit(call, using=self.using, robust=True)

    def mend_histories(self, limit: int = 500) -> int:
        return history_tasks.carry_on(self, limit) if self.is_split else 0

    def after_commit(self, call: Callable[[], object]) -> None:
        transaction.on_commit(call, using=self.using)

    def _is_visible(self, id: str) -> bool:
        found: bool = self.scope is None or self.visible.filter(id=id).exists()
        return found

    def set_transient(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        patches = {id: transient_text(tags) for id, tags in changes.items()}
        with self.check_scope(patches):
            transient.update(connections[self.using], patches)
        self.announce(patches, logged=False)

    def changes_of(self, id: str, limit: int = 100) -> list[Change]:
        if not self._is_visible(id):
            return []
        rows = models.Change.objects.using(self.using).filter(entity_id=id)
        if self.scope is not None:  # the id may have been a hidden entity's before
            removals = rows.filter(kind=REMOVE).order_by("-id")
            last = removals.values_list("id", flat=True).first()
            rows = rows.filter(id__gt=last or 0)
        return self.shown_changes(map(log.change_of, rows.order_by("-id")[:limit]))

    def changes_since(self, cursor: int | None, limit: int) -> ChangePage:
        return log.since(self.using, cursor, limit)

    def changed_since(self, ids: Sequence[str], cursor: int) -> set[str]:
        rows = models.Change.objects.using(self.using).order_by()
        later = rows.filter(OneOf(F("entity_id"), ids), id__gt=cursor)
        return set(later.values_list("entity_id", flat=True).distinct())

    def logged_commit(self, cursor: int, limit: int | None = None) -> list[Change]:
        return log.commit_at(self.using, cursor, limit)

    def prune_changes(self, before: dt.datetime, limit: int = 1_000) -> int:
        return log.prune(self.using, before, limit)

    def referrers(self, ids: Sequence[str], limit: int) -> list[str]:
        edges = EntityRef.objects.using(self.using).filter(OneOf(F("dst"), ids))
        others = edges.exclude(OneOf(F("src_id"), ids)).order_by("src_id")
        if self.scope is not None:
            others = others.filter(src_id__in=self.visible.values("id"))
        return list(others.values_list("src_id", flat=True).distinct()[:limit])

    # -- history --------------------------------------------------------------

    def his_chunks(
        self,
        id: str,
        start: int | None = None,
        end: int | None = None,
        size: int = LARGEST_CHUNK,
    ) -> Iterator[Chunk]:
        return history.chunks(self.samples, id, start, end, size)

    def his_backwards(self, id: str, before: int) -> Iterator[tuple[int, Any]]:
        return history.backwards(self.samples, id, before)

    def his_times(
        self, ids: Sequence[str], before: int, count: int
    ) -> dict[str, list[int]]:
        return history.times(self.samples, ids, before, count)

    def his_short(
        self, id: str, start: int | None, end: int | None, size: int
    ) -> list[Chunk] | None:
        return history.short(self.samples, id, start, end, size)

    def snapshot(self) -> AbstractContextManager[None]:
        if is_inside(self.samples):  # one that only reads would refuse what follows
            return writing(self.samples)
        return history.snapshot(self.samples)

    @contextmanager
    def time_limit(self, seconds: int) -> Iterator[None]:
        with ExitStack() as stack:
            for using in self.databases:
                stack.enter_context(time_limit(connections[using], seconds))
            yield

    def his_prepare(self, times: Iterable[int]) -> None:
        create_chunks(self.samples, times)

    def his_store(self, batches: Mapping[str, Batch]) -> dict[str, int]:
        self.his_prepare(chain.from_iterable(one.written for one in batches.values()))
        with writing(self.samples):
            growth = history.store(self.samples, batches)
            self._changing(batches)
        return growth

    def his_extent(self, id: str) -> Extent:
        return history.extent(self.samples, id)

    def has_samples(self, id: str) -> bool:
        samples = HisSample.objects.using(self.history_using).filter(point_id=id)
        return bool(samples.exists())

    def with_samples(self, ids: Sequence[str]) -> set[str]:
        if self.is_split:
            ends = history.extents(self.samples, ids, None)
            found = zip(ids, ends, strict=True)
            return {id for id, (_, last) in found if last is not None}
        samples = HisSample.objects.using(self.using).filter(point_id=OuterRef("id"))
        rows = models.Entity.rows.using(self.using).filter(OneOf(F("id"), ids))
        return set(rows.filter(Exists(samples)).values_list("id", flat=True))

    def his_fold(
        self, rollups: Sequence[tuple[str, Rollup]], size: int = LARGEST_CHUNK
    ) -> Iterator[PlacedRow]:
        return folds.fold(self, self.samples, rollups)

    def his_decimated(
        self, id: str, start: int, until: int | None, most: int, end: int
    ) -> Iterator[Sample]:
        arguments = (id, start, until, most, end)
        return decimation.decimated(self, self.samples, *arguments)

    def fold_dirty(self, limit: int = 1_000) -> int:
        return fold_work.fold_dirty(self, self.samples, limit)

    def fold_now(self, id: str) -> None:
        fold_work.fold_now(self, self.samples, id)

    def his_counts(self, ranges: Sequence[tuple[str, int, int]]) -> list[int]:
        return usage.counts(self.samples, ranges)

    def his_sample_bytes(self) -> float:
        return usage.bytes_per_sample(self.samples)

    def his_drop(
        self,
        point: HisPoint,
        end: int,
        log: Callable[[int], object] = lambda count: None,
    ) -> int:
        def changed(count: int) -> None:
            self._changing({point.id: Batch({}, [])})
            log(count)

        return dropping.drop(self, self.samples, point, end, changed)

    def his_compress(self, before: dt.datetime, *, apply: bool) -> str:
        return hypertable.compress(self.samples, before, apply=apply)

    def his_quality(self, windows: Sequence[Window]) -> list[Findings]:
        return quality.findings(self.samples, windows)

    def his_since(self, starts: Mapping[str, int]) -> dict[str, list[tuple[int, Any]]]:
        return sample_windows.samples_since(self.samples, starts)

    def his_at(self, times: Mapping[str, Sequence[int]]) -> dict[str, dict[int, Any]]:
        return sample_log.samples_at(self.samples, times)

    def log_edits(self, edits: Sequence[SampleEdit]) -> None:
        with writing(self.samples):
            sample_log.log(self.history_using, edits)

    def edits_of(self, change: str, limit: int | None = None) -> list[SampleEdit]:
        rows = models.SampleEdit.objects.using(self.history_using).filter(change=change)
        return sample_log.edits(self._shown_edits(rows), limit)

    def edit_summaries(self, limit: int, id: str | None) -> list[SampleChange]:
        rows = models.SampleEdit.objects.using(self.history_using)
        found = rows.all() if id is None else rows.filter(point_id=id)
        return sample_log.summaries(self._shown_edits(found), limit)

    def _shown_edits(
        self, rows: QuerySet[models.SampleEdit]
    ) -> QuerySet[models.SampleEdit]:
        """Those of points that the caller may see."""
        if self.scope is None:
            return rows
        if not self.is_split:
            return rows.filter(point_id__in=self.visible.values("id"))
        ids = {*rows.order_by().values_list("point_id", flat=True).distinct()}
        return rows.filter(OneOf(F("point_id"), sorted(self.visible_ids(ids))))

    def prune_edits(self, before: dt.datetime, limit: int = 1_000) -> int:
        return sample_log.prune(self.history_using, before, limit)

    # -- collection -----------------------------------------------------------

    def postpone(self, due: Mapping[str, dt.datetime | None]) -> None:
        sample_log.postpone(self.using, due)

    def postponed(self, now: dt.datetime, limit: int) -> list[str]:
        return sample_log.postponed(self.using, now, limit)

    # -- priority arrays ------------------------------------------------------

    def levels_of(self, id: str) -> dict[int, Level]:
        return levels.read(self.using, id)

    def with_levels(self, ids: Collection[str]) -> set[str]:
        return levels.with_levels(self.using, ids)

    def level_store(self, id: str, number: int, level: Level | None) -> None:
        levels.store(self.using, id, number, level)

    def log_write(self, write: LevelWrite) -> None:
        levels.log(self.using, write)

    def write_log(self, id: str, limit: int) -> list[LevelWrite]:
        return levels.writes(self.using, id, limit)

    def writes_since(self, cursor: str | None, limit: int) -> WritePage:
        return levels.since(self.using, cursor, limit)

    def older_writes(self, cursor: str | None, limit: int) -> WritePage:
        return levels.older(self.using, cursor, limit)

    def prune_writes(self, before: dt.datetime, limit: int = 1_000) -> int:
        return levels.prune(self.using, before, limit)

    def due_points(self, now: dt.datetime) -> list[str]:
        return levels.due(self.using, now)

    # -- tasks ----------------------------------------------------------------

    def take_task(
        self, name: str, holder: str, now: dt.datetime, until: dt.datetime
    ) -> bool:
        return tasks.take(self.using, name, holder, now, until)

    def try_write(self, name: str, now: dt.datetime) -> None:
        for using in self.databases:
            tasks.take(using, name, "", now, now)

    # -- defs -----------------------------------------------------------------

    def libs_state(self) -> Hashable:
        return libs.state(self.using)

    def read_libs(self) -> dict[str, list[dict[str, Any]]]:
        return libs.read(self.using)

    def store_libs(self, named: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        libs.store(self.using, named)

    def check(self) -> list[checks.CheckMessage]:
        unknown = [it for it in self.databases if it not in connections.settings]
        if self.is_split and not unknown:
            return list(history_checks.configuration(self))
        return [
            checks.Error(
                f"storage {self.alias!r} uses the unknown database {using!r}",
                hint="OPTIONS['using'] and ['history'] must be aliases of DATABASES.",
                id="haystack.E002",
            )
            for using in unknown
        ]

    def check_server(self) -> list[checks.CheckMessage]:
        return list(history_checks.content(self)) if self.is_split else []
