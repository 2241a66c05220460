"""Privileges of users, to compare: users cannot grant what they do not have.

Users that are not superusers must not gain privileges by changing other users: by
creating a user that has them, or by setting the password of one. Nor do users with a
scope see the users and groups of other scopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from ..models import GroupScope

__all__ = ["Privileges", "groups_seen_by", "privileges_of", "users_seen_by"]


@dataclass(frozen=True, slots=True)
class Privileges:
    """``scopes`` are the keys of groups with filters; if empty, all is visible."""

    is_superuser: bool
    permissions: frozenset[int]
    scopes: frozenset[int]

    def covers(self, other: Privileges) -> bool:
        if self.is_superuser:
            return True
        if other.is_superuser or not other.permissions <= self.permissions:
            return False
        # filters cannot be compared, so compare their groups
        return not self.scopes or (bool(other.scopes) and other.scopes <= self.scopes)


def privileges_of(user: Any) -> Privileges:
    """Privileges, also of a disabled user, who may be enabled again."""
    permissions = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    scopes = GroupScope.objects.filter(group__user=user)
    return Privileges(
        user.is_superuser,
        frozenset(permissions.values_list("pk", flat=True)),
        frozenset(scopes.values_list("group_id", flat=True)),
    )


def users_seen_by(user: Any, users: QuerySet[Any]) -> QuerySet[Any]:
    """Those of the users that a user may know of.

    For a user with a scope: the user, and members of some of the user's groups with
    filters who are in no other group with a filter.
    """
    own = _own_scopes(user)
    if own is None:
        return users
    every = get_user_model()._default_manager
    others = GroupScope.objects.exclude(group__in=own).values("group")
    theirs = every.filter(groups__in=own, is_superuser=False).values("pk")
    foreign = every.filter(groups__in=others).values("pk")
    seen = Q(pk__in=theirs) & ~Q(pk__in=foreign)
    return users.filter(Q(pk=user.pk) | seen)


def groups_seen_by(user: Any, groups: QuerySet[Group]) -> QuerySet[Group]:
    """Those of the groups that a user may know of: with a scope, the user's own.

    Groups without a filter only grant permissions, and are for users of all scopes.
    """
    own = _own_scopes(user)
    if own is None:
        return groups
    return groups.filter(Q(haystack_scope=None) | Q(pk__in=own))


def _own_scopes(user: Any) -> list[Any] | None:
    """Keys of the user's groups with filters; None for a user that sees everything."""
    if user.is_superuser:
        return None
    own = GroupScope.objects.filter(group__user=user)
    return list(own.values_list("group", flat=True)) or None
