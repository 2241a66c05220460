"""Moving a store to another kind of index, in slices beside readers and writers.

The new index is built beside the old one: the layout names both, so that every writer
writes both, while a slice of entities after the other is added to the new one under
the locks of these entities only. Then the layout names the new one, and the old one is
deleted. The layout has the last id that was added, from which a later call goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .. import layout
from ..entities import fetch
from ..entity_commands import batched
from ..index.base import Index
from ..index.search import SearchIndex
from ..index.sets import SetIndex
from ..keys import Keys
from ..layout import Layout
from ..locks import Lease
from ..server import SEARCH, Server
from ..transaction import apply

__all__ = ["SLICE", "moved"]

SLICE = 100
"""Entities that are locked at once: for about 0.05 s."""
_REACHED = "indexed"
"""Field of the layout: the last id of the new index, while it is built."""
_DELETED = 1_000


def moved(server: Server, keys: Keys) -> Layout:
    """Give the store the index for the current modules of the server, as far as it has
    another one; returns the layout.

    Raises LockTimeout if another process does the same.
    """
    with _alone(server, keys):
        default = layout.new_layout(server)
        found = layout.stored(server, keys) or layout.record(server, keys, default)
        if found.current != default.index:
            _move(server, keys, found, default.index)
        elif found.index != default.index:  # the server lost the module meanwhile
            server.together(("HSET", keys.meta, "index", default.index))
        if default.index == SEARCH:
            SearchIndex(server, keys).ensure()
        _delete_others(server, keys, default.index)
    return Layout(default.index, found.series)


@contextmanager
def _alone(server: Server, keys: Keys) -> Iterator[None]:
    """One reindexing at a time; writers do not use this lock."""
    lease = Lease(server, keys.reindexing)
    lease.acquire(None)
    try:
        yield
    finally:
        lease.release()


def _move(server: Server, keys: Keys, found: Layout, kind: str) -> None:
    both = layout.moving(found.current, kind)
    if found.index != both:
        _delete_others(server, keys, found.current)
        server.together(
            ("HDEL", keys.meta, _REACHED), ("HSET", keys.meta, "index", both)
        )
    if kind == SEARCH:
        SearchIndex(server, keys).ensure()
    new: Index = (SearchIndex if kind == SEARCH else SetIndex)(server, keys)
    [reached] = server.texts(keys.meta, _REACHED)
    for ids in batched(_ids_after(server, keys, reached or ""), SLICE):
        _add(server, keys, new, both, ids)
    # the script refuses if the store was flushed meanwhile
    last = [("HSET", keys.meta, "index", kind), ("HDEL", keys.meta, _REACHED)]
    apply(server, keys, Lease(server, keys.locks), both, last)


def _ids_after(server: Server, keys: Keys, id: str) -> Iterator[str]:
    """Ids of the entities that existed at the start: writers index newer ones."""
    return (one for one in server.zrange(keys.ids) if one > id)


def _add(server: Server, keys: Keys, new: Index, kind: str, ids: list[str]) -> None:
    """Add a slice to the new index. Raises LeaseLost or LayoutChanged."""
    lease = Lease(server, keys.locks)
    lease.acquire(ids)
    try:
        rows = fetch(server, keys, ids)
        commands = list(new.commands({id: (None, row) for id, row in rows.items()}))
        commands.append(("HSET", keys.meta, _REACHED, ids[-1]))
        apply(server, keys, lease, kind, commands)
    finally:
        lease.release()


def _delete_others(server: Server, keys: Keys, kind: str) -> None:
    """Delete what belongs to an index of another kind, which no program reads."""
    if kind != SEARCH and SEARCH in server.installed:
        SearchIndex(server, keys).drop()
    first = keys.term_sets if kind == SEARCH else keys.documents
    for names in batched(server.scan(first), _DELETED):
        server.command("UNLINK", *(f"{first}{name}" for name in names))
