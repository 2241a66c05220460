"""Commands that store entities: their hashes, their ids, their referrers, the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ...wire.record import Record
from ..changeset import EntityRow
from ..stored import edges_of
from .entities import fields_of
from .index.base import Index, Moves, parts, sorted_into_sets
from .keys import Keys
from .server import Command, Server

__all__ = ["batched", "referring", "refs_of", "store_commands"]


def store_commands(keys: Keys, index: Index, moves: Moves) -> Iterator[Command]:
    """The commands that store changed entities."""
    created = [id for id, (before, _) in moves.items() if before is None]
    removed = [id for id, (_, after) in moves.items() if after is None]
    yield from _hashes(keys, moves)
    for ids in parts(created):
        yield "ZADD", keys.ids, *(word for id in ids for word in ("0", id))
    for ids in parts(removed):
        yield "ZREM", keys.ids, *ids
    yield from _referrers(keys, moves)
    yield from index.commands(moves)


def _hashes(keys: Keys, moves: Moves) -> Iterator[Command]:
    for id, (_, after) in moves.items():
        if after is None:
            yield "UNLINK", keys.entity(id)
        else:
            yield "HSET", keys.entity(id), *fields_of(after)


def _referrers(keys: Keys, moves: Moves) -> Iterator[Command]:
    refs = (
        (id, refs_of(before), refs_of(after))
        for id, (before, after) in moves.items()
        if not (before and after and before.tags == after.tags)
    )
    return sorted_into_sets(refs, keys.referrers)


def referring(server: Server, keys: Keys, ids: Iterable[str]) -> set[str]:
    """Ids of entities with a ref to one of these."""
    return server.sunion([keys.referrers(id) for id in ids])


def batched(names: Iterable[str], size: int) -> Iterator[list[str]]:
    every = iter(names)
    while part := list(islice(every, size)):
        yield part


def refs_of(entity: EntityRow | None) -> set[str]:
    """Ids that an entity's persistent tags refer to, at any depth."""
    if entity is None:
        return set()
    return {dst for _, dst in edges_of(Record(entity.tags).tags) if dst}
