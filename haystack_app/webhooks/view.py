"""A storage as far as the owner of a webhook may see it at this time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import filters
from ..auth.caller import Caller
from ..auth.roles import VIEW
from ..filters.ast import Filter
from ..models import Webhook
from ..storage.base import StorageAdapter
from ..storage.handler import UnknownStorage, storages
from ..storage.removed import RemovedResolver, shows_removed
from ..wire.errors import ParseError

__all__ = ["CannotSee", "View", "view_of"]

Tags = Mapping[str, Any]


class CannotSee(Exception):
    """The webhook cannot work until it is changed; the text is for people."""


@dataclass(frozen=True, slots=True)
class View:
    """``everything`` is the whole storage, ``seen`` what the owner may see of it.

    ``filter`` is that of the webhook.
    """

    everything: StorageAdapter
    seen: StorageAdapter
    filter: Filter
    caller: Caller

    def shows_removed(self, tags: Tags, removed: Mapping[str, Tags]) -> bool:
        """Whether the owner would see an entity that was removed.

        ``removed`` has those that were removed with it, for paths of the filter.
        """
        return shows_removed(self.seen, tags, removed)

    def matches_removed(self, tags: Tags, removed: Mapping[str, Tags]) -> bool:
        """Whether the webhook is for an entity that was removed."""
        resolver = RemovedResolver(removed, self.seen)
        is_wanted = filters.matches(self.filter, tags, resolver)
        return is_wanted and self.shows_removed(tags, removed)


def view_of(webhook: Webhook) -> View:
    """Raises CannotSee. The owner is read from the database with the webhook."""
    caller = Caller(webhook.owner)
    if not caller.user.is_active:
        raise CannotSee(f"the owner {caller.username!r} is disabled")
    if not caller.has_permission(VIEW):
        raise CannotSee(f"the owner {caller.username!r} needs the permission {VIEW!r}")
    try:
        store = storages[webhook.storage]
        tree = store.parsed(webhook.filter)
    except UnknownStorage as error:
        raise CannotSee(str(error)) from None
    except ParseError as error:
        raise CannotSee(f"not a Haystack filter: {error}") from None
    return View(store, store.visible_to(caller.scope), tree, caller)
