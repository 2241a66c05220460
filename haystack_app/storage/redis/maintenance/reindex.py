"""Rebuilding of all data that is derived from the entities."""

from __future__ import annotations

from .. import layout
from ..entity_commands import all_entities, clear_commands, store_commands
from ..index.search import SearchIndex
from ..keys import Keys
from ..layout import Layout
from ..server import SEARCH, Server
from ..transaction import Transaction

__all__ = ["reindex"]


def reindex(server: Server, keys: Keys) -> int:
    """Index all entities for the current modules of the server; returns their number.

    Other processes see the old index or the new one; writers wait.
    """
    work = Transaction(server, keys)
    try:
        work.lease.acquire(None)
        default = layout.new_layout(server)
        held = layout.stored(server, keys) or layout.record(server, keys, default)
        new = Layout(default.index, held.series)
        if new.index == SEARCH:
            SearchIndex(server, keys).ensure()
        found = all_entities(server, keys)
        moves = {id: (None, entity) for id, entity in found.items()}
        work.pending.commands += clear_commands(server, keys)
        work.pending.commands += store_commands(keys, new.index_of(server, keys), moves)
        work.pending.commands.append(("HSET", keys.meta, "index", new.index))
        work.apply(held.index, lambda moves: ())
    finally:
        work.lease.release()
    if new.index != SEARCH and SEARCH in server.installed:
        SearchIndex(server, keys).drop()
    return len(found)
