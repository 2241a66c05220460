"""What users with a scope may set, by the filters of all groups."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..filters.guards import Guard
from ..models import GroupScope
from .permissions import parsed_scope, scope_texts

__all__ = ["guard_for", "guard_for_filters", "guard_of"]


def guard_for(user: Any) -> Guard:
    """The guard of a user with a scope, by one query of the filters' texts."""
    return guard_for_filters(scope_texts(user))


def guard_for_filters(own: tuple[str, ...]) -> Guard:
    """The guard of a writer with these filters of groups."""
    texts = GroupScope.objects.values_list("filter", flat=True).distinct()
    return guard_of(own, tuple(texts.order_by("filter")))


@lru_cache(maxsize=256)
def guard_of(own: tuple[str, ...], every: tuple[str, ...]) -> Guard:
    """The guard of a writer with some of the filters of all groups."""
    foreign = [text for text in every if text not in own]
    return Guard.of(map(parsed_scope, own), map(parsed_scope, foreign))
