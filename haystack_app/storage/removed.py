"""Which removed entities a caller with a scope would see.

Scopes follow refs, also to entities that were removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import filters
from .entities import EntityStore

__all__ = ["RemovedResolver", "shows_removed"]

Tags = Mapping[str, Any]


class RemovedResolver:
    """Resolves refs of filters, first to the entities that were removed together.

    ``is_incomplete``: a ref led to an entity that does not exist.
    """

    def __init__(self, removed: Mapping[str, Tags], store: EntityStore) -> None:
        self.removed, self.store = removed, store
        self.is_incomplete = False

    def __call__(self, id: str) -> Tags | None:
        if id in self.removed:
            return self.removed[id]
        found = self.store.read_by_ids([id])[0]
        self.is_incomplete |= found is None
        return found


def shows_removed(store: EntityStore, tags: Tags, removed: Mapping[str, Tags]) -> bool:
    """Whether the store's caller would see an entity that was removed.

    ``removed`` has those that were removed with it, for paths of the scope.
    """
    if (scope := store.scope) is None:
        return True
    resolver = RemovedResolver(removed, store.visible_to(None))
    is_seen = filters.matches(store.parsed(scope), tags, resolver)
    # a path to what was removed before does not say what it said then
    return is_seen and not resolver.is_incomplete
