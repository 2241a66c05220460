"""Permissions of a user: Django's, and the filter of what the user may see.

One SQL statement per request reads both.
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

__all__ = [
    "has_permission",
    "load_permissions",
    "may_see_status",
    "parsed_scope",
    "scope_filter",
    "scope_texts",
]

logger = logging.getLogger("haystack_app.auth")
_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
_CACHE = "_haystack_permissions"
_NOTHING = HasAny(())


@dataclass(frozen=True, slots=True)
class _Permissions:
    """Codenames of permissions of this app, and the filters of the user's groups.

    The filters are sorted, so that equal sets of filters make equal scopes.
    """

    codenames: frozenset[str]
    filters: tuple[str, ...]


def has_permission(user: Any, codename: str) -> bool:
    """Whether the user has a permission of this app, given by its codename."""
    if user.is_superuser:
        return bool(user.is_active)
    if settings.AUTHENTICATION_BACKENDS != _BACKENDS:  # others may grant more
        return bool(user.has_perm(f"haystack_app.{codename}"))
    return user.is_active and codename in _permissions_of(user).codenames


def load_permissions(user: Any) -> None:
    """Read what ``has_permission`` and ``scope_filter`` need, into the user object."""
    if not user.is_superuser:
        _permissions_of(user)


def may_see_status(user: Any) -> bool:
    """Whether the user may see slow filters and sizes, which are of all entities."""
    return bool(user.is_staff) and scope_filter(user) is None


def scope_filter(user: Any) -> Filter | None:
    """The filter of the entities that a user may see; None for all entities.

    It is the union of the filters of the user's groups. A group without a filter
    does not extend it: the group grants permissions only.
    """
    if user.is_superuser:
        return None
    trees = tuple(map(parsed_scope, scope_texts(user)))
    if len(trees) < 2:
        return trees[0] if trees else None
    return Or(trees)


def scope_texts(user: Any) -> tuple[str, ...]:
    """The filters of the groups of a user that is not a superuser."""
    return _permissions_of(user).filters


def _permissions_of(user: Any) -> _Permissions:
    """Cached in the user object, which lives as long as its request."""
    found: _Permissions | None = getattr(user, _CACHE, None)
    if found is None:
        texts: dict[str, list[str]] = {"permission": [], "scope": []}
        connection = connections[router.db_for_read(GroupScope)]
        pk = user._meta.pk.get_db_prep_value(user.pk, connection)  # such as a UUID
        with connection.cursor() as cursor:
            cursor.execute(_statement(), [pk] * 3)
            for kind, text in cursor.fetchall():
                texts[kind].append(text)
        found = _Permissions(
            frozenset(texts["permission"]), tuple(sorted(texts["scope"]))
        )
        setattr(user, _CACHE, found)
    return found


@cache
def _statement() -> str:
    """SQL that selects (kind, text); its three parameters are the user's key.

    It is not a queryset because every request runs it: building it in the ORM takes
    as long as the database does.
    """
    users = get_user_model()
    groups, own = users.groups.field, users.user_permissions.field
    in_group = f"SELECT {groups.m2m_reverse_name()} FROM {groups.m2m_db_table()}"
    in_group += f" WHERE {groups.m2m_column_name()} = %s"
    granted = Group.permissions.field
    return (
        "SELECT 'permission', p.codename"
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


def parsed_scope(text: str) -> Filter:
    """The filter of a group; one that matches nothing if the text is invalid."""
    try:
        tree = filters.parse(text)
    except ParseError:
        tree = None
    if tree is None or filters.is_relative(tree):
        # not written by the admin; showing all entities would be unsafe
        logger.error("invalid filter of a group, matches no entities: %.200r", text)
        return _NOTHING
    return tree
