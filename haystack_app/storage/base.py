"""The storage contract.

A backend implements the primitives and inherits the rest: entities, histories,
current values, priority arrays, watches, defs; it overrides what it can do faster.
Every method has an async twin with the prefix ``a``.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

from ..kinds.series import Chunk
from .changes import Changes, Records
from .collect import CollectStore
from .currents import CurrentStore
from .entities import EntityStore
from .folds import FoldStore
from .history import HistoryStore
from .points import PointStore
from .quality import QualityStore
from .revert import RevertStore
from .trash import TrashStore
from .undo import UndoStore
from .watches import WatchStore

__all__ = ["Changes", "Records", "StorageAdapter"]


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _twin(
    method: Callable[Concatenate[Any, _P], _R],
) -> Callable[Concatenate[Any, _P], Awaitable[_R]]:
    """An async version of a method, or of its override, that runs in a thread."""

    async def call(self: Any, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        bound: Callable[_P, _R] = getattr(self, method.__name__)
        return await sync_to_async(bound)(*args, **kwargs)

    return call


class StorageAdapter(
    RevertStore,
    TrashStore,
    EntityStore,
    CollectStore,
    UndoStore,
    HistoryStore,
    FoldStore,
    QualityStore,
    CurrentStore,
    PointStore,
    WatchStore,
):
    """The complete contract of one store."""

    aabout = _twin(EntityStore.about)
    aread = _twin(EntityStore.read)
    asearch = _twin(EntityStore.search)
    aread_in_order = _twin(EntityStore.read_in_order)
    acount = _twin(EntityStore.count)
    aread_by_ids = _twin(EntityStore.read_by_ids)
    anav = _twin(EntityStore.nav)
    aload_entities = _twin(EntityStore.load_entities)
    acreate = _twin(EntityStore.create)
    aadd_entities = _twin(EntityStore.add_entities)
    aupdate_entities = _twin(EntityStore.update_entities)
    aupdate_transient = _twin(EntityStore.update_transient)
    aremove_entities = _twin(EntityStore.remove_entities)
    acommit = _twin(EntityStore.commit)
    ahis_write = _twin(HistoryStore.his_write)
    ahis_write_all = _twin(HistoryStore.his_write_all)
    ahis_quality = _twin(QualityStore.his_quality)
    apoint_array = _twin(PointStore.point_array)
    apoint_write = _twin(PointStore.point_write)
    acur_write = _twin(CurrentStore.cur_write)
    awatch_open = _twin(WatchStore.watch_open)
    awatch_sub = _twin(WatchStore.watch_sub)
    awatch_unsub = _twin(WatchStore.watch_unsub)
    awatch_close = _twin(WatchStore.watch_close)
    awatch_poll = _twin(WatchStore.watch_poll)
    awatch_updates = _twin(WatchStore.watch_updates)
    awatch_renew = _twin(WatchStore.watch_renew)

    async def ahis_read(
        self,
        id: str,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
    ) -> AsyncIterator[Chunk]:
        """The chunks of ``his_read``.

        They are fetched in a separate thread, so that the transactions of other
        tasks do not mix with this one's snapshot.
        """
        series = await sync_to_async(self.his_read)(id, start, end)
        chunks = iter(series.read())
        loop = asyncio.get_running_loop()
        own = ThreadPoolExecutor(max_workers=1)
        try:
            while (
                chunk := await loop.run_in_executor(own, next, chunks, None)
            ) is not None:
                yield chunk
        finally:
            own.submit(_finish, chunks)
            own.shutdown(wait=False)


def _finish(chunks: Iterator[Chunk]) -> None:
    """Close the chunks and the database connections of their thread."""
    if isinstance(chunks, Generator):
        chunks.close()
    connections.close_all()
