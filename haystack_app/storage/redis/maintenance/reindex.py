"""Making anew what can be found out from the entities."""

from __future__ import annotations

from .. import layout
from ..entity_commands import cleared, filed, whole
from ..index.search import SearchIndex
from ..keys import Keys
from ..layout import Layout
from ..server import SEARCH, Server
from ..transaction import Transaction

__all__ = ["reindex"]


def reindex(server: Server, keys: Keys) -> int:
    """Index all entities for the modules that the server has now; how many they are.

    Others see the old index or the new one; writers wait.
    """
    work = Transaction(server, keys)
    try:
        work.lease.acquire(None)
        made = layout.made(server)
        held = layout.stored(server, keys) or layout.record(server, keys, made)
        new = Layout(made.index, held.series)
        if new.index == SEARCH:
            SearchIndex(server, keys).ensure()
        found = whole(server, keys)
        moves = {id: (None, entity) for id, entity in found.items()}
        work.pending.commands += cleared(server, keys)
        work.pending.commands += filed(keys, new.index_of(server, keys), moves)
        work.pending.commands.append(("HSET", keys.meta, "index", new.index))
        work.apply(held.index, lambda moves: ())
    finally:
        work.lease.release()
    if new.index != SEARCH and SEARCH in server.installed:
        SearchIndex(server, keys).drop()
    return len(found)
