"""Refs of entities that are to be stored, to entities that are not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .backend import StorageBackend
from .spooled import ids_of
from .stored import Stored

__all__ = ["DanglingRef", "dangling_refs"]

_BATCH = 1_000


class DanglingRef(NamedTuple):
    """``path`` is that of the tag in the entity ``id``."""

    id: str
    path: str
    target: str


def dangling_refs(
    adapter: StorageBackend, put: Sequence[Stored], *, replace: bool = False
) -> Iterator[DanglingRef]:
    """Those of all entities that a load stores, in their order.

    ``replace``: the load removes all entities but its own.
    """
    others = {id for stored in put for _, id in stored.edges if id}
    others.difference_update(ids_of(put))
    missing = others if replace else set[str]()
    open_ids = sorted(others - missing)
    for at in range(0, len(open_ids), _BATCH):
        ids = open_ids[at : at + _BATCH]
        found = adapter.read_by_ids(ids)
        missing |= {id for id, one in zip(ids, found, strict=True) if one is None}
    for stored in put if missing else ():
        for path, id in sorted(stored.edges):
            if id in missing:
                yield DanglingRef(stored.id, path.removesuffix("[]"), id)
