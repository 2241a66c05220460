"""What a user may: Django's permissions, and a filter on what there is.

One statement finds both, once for each request.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connections, router

from .. import filters
from ..filters.ast import Filter, HasAny, Or
from ..models import GroupScope
from ..wire.errors import ParseError

__all__ = ["has_permission", "scope_filter"]

logger = logging.getLogger("haystack_app.auth")
_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
_KEPT = "_haystack_rights"
_NOTHING = HasAny(())


@dataclass(frozen=True, slots=True)
class _Rights:
    """Codenames of permissions of this app, and the filters of the user's groups.

    In order, so that the same filters are always the same scope.
    """

    codenames: frozenset[str]
    filters: tuple[str, ...]


def has_permission(user: Any, right: str) -> bool:
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
        texts: dict[str, list[str]] = {"right": [], "scope": []}
        connection = connections[router.db_for_read(GroupScope)]
        pk = user._meta.pk.get_db_prep_value(user.pk, connection)  # a UUID, say
        with connection.cursor() as cursor:
            cursor.execute(_statement(), [pk] * 3)
            for kind, text in cursor.fetchall():
                texts[kind].append(text)
        found = _Rights(frozenset(texts["right"]), tuple(sorted(texts["scope"])))
        setattr(user, _KEPT, found)
    return found


@cache
def _statement() -> str:
    """Rows of (kind, text) for a user's key, three times.

    As text, because each request needs it: putting it together by the ORM takes
    as long as the database does.
    """
    users = get_user_model()
    groups, own = users.groups.field, users.user_permissions.field
    in_group = f"SELECT {groups.m2m_reverse_name()} FROM {groups.m2m_db_table()}"
    in_group += f" WHERE {groups.m2m_column_name()} = %s"
    granted = Group.permissions.field
    return (
        "SELECT 'right', p.codename"
        f" FROM {Permission._meta.db_table} p"
        f" JOIN {ContentType._meta.db_table} c ON c.id = p.content_type_id"
        " WHERE c.app_label = 'haystack_app' AND (p.id IN ("
        f"SELECT {granted.m2m_reverse_name()} FROM {granted.m2m_db_table()}"
        f" WHERE {granted.m2m_column_name()} IN ({in_group}))"
        f" OR p.id IN (SELECT {own.m2m_reverse_name()} FROM {own.m2m_db_table()}"
        f" WHERE {own.m2m_column_name()} = %s))"
        f" UNION ALL SELECT 'scope', filter FROM {GroupScope._meta.db_table}"
        f" WHERE group_id IN ({in_group})"
    )


def _parsed(text: str) -> Filter:
    try:
        return filters.parse(text)
    except ParseError:
        # written past the admin's check; showing everything would be the worse end
        logger.error("a group's filter cannot be read and shows nothing: %.200r", text)
        return _NOTHING
