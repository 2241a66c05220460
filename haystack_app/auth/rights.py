"""What a user may: Django's permissions, and a filter on what there is."""

from __future__ import annotations

import logging
from typing import Any

from .. import filters
from ..filters.ast import Filter, HasAny, Or
from ..models import GroupScope
from ..wire.errors import ParseError

__all__ = ["has_right", "scope_filter"]

logger = logging.getLogger("haystack_app.auth")
_NOTHING = HasAny(())


def has_right(user: Any, right: str) -> bool:
    """Whether the user has a permission of this app, given by its codename."""
    return bool(user.has_perm(f"haystack_app.{right}"))


def scope_filter(user: Any) -> Filter | None:
    """What the user may see; None for everything.

    The union of what the user's groups may see. A group without a filter adds
    nothing: it says what its members may do, not with what.
    """
    if user.is_superuser:
        return None
    texts = GroupScope.objects.filter(group__user=user).values_list("filter", flat=True)
    trees = tuple(map(_parsed, texts))
    if len(trees) < 2:
        return trees[0] if trees else None
    return Or(trees)


def _parsed(text: str) -> Filter:
    try:
        return filters.parse(text)
    except ParseError:
        # written past the admin's check; showing everything would be the worse end
        logger.error("a group's filter cannot be read and shows nothing: %.200r", text)
        return _NOTHING
