"""What a user may: Django's permissions, and a filter on what there is.

One statement finds both, once for each request.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db.models import CharField, Value
from django.db.models.functions import Cast

from .. import filters
from ..filters.ast import Filter, HasAny, Or
from ..models import GroupScope
from ..wire.errors import ParseError

__all__ = ["has_right", "scope_filter"]

logger = logging.getLogger("haystack_app.auth")
_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
_KEPT = "_haystack_rights"
_NOTHING = HasAny(())


@dataclass(frozen=True, slots=True)
class _Rights:
    """Codenames of permissions of this app, and the filters of the user's groups."""

    codenames: frozenset[str]
    filters: tuple[str, ...]


def has_right(user: Any, right: str) -> bool:
    """Whether the user has a permission of this app, given by its codename."""
    if user.is_superuser:
        return bool(user.is_active)
    if settings.AUTHENTICATION_BACKENDS != _BACKENDS:  # others may grant more
        return bool(user.has_perm(f"haystack_app.{right}"))
    return user.is_active and right in _rights_of(user).codenames


def scope_filter(user: Any) -> Filter | None:
    """What the user may see; None for everything.

    The union of what the user's groups may see. A group without a filter adds
    nothing: it says what its members may do, not with what.
    """
    if user.is_superuser:
        return None
    trees = tuple(map(_parsed, _rights_of(user).filters))
    if len(trees) < 2:
        return trees[0] if trees else None
    return Or(trees)


def _rights_of(user: Any) -> _Rights:
    """Kept with the user's object, which lives as long as its request."""
    found: _Rights | None = getattr(user, _KEPT, None)
    if found is None:
        ours = Permission.objects.filter(content_type__app_label="haystack_app")
        rows = _texts(ours.filter(group__user=user), "codename", "right").union(
            _texts(ours.filter(user=user), "codename", "right"),
            _texts(GroupScope.objects.filter(group__user=user), "filter", "scope"),
        )
        texts: dict[str, list[str]] = {"right": [], "scope": []}
        for kind, text in rows:
            texts[kind].append(text)
        found = _Rights(frozenset(texts["right"]), tuple(texts["scope"]))
        setattr(user, _KEPT, found)
    return found


def _texts(rows: Any, column: str, kind: str) -> Any:
    """Rows of (kind, text), of the same types for each table."""
    return rows.order_by().values_list(
        Value(kind, CharField()), Cast(column, CharField())
    )


def _parsed(text: str) -> Filter:
    try:
        return filters.parse(text)
    except ParseError:
        # written past the admin's check; showing everything would be the worse end
        logger.error("a group's filter cannot be read and shows nothing: %.200r", text)
        return _NOTHING
