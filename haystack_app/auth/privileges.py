"""Privileges of users, to compare: users cannot grant what they do not have.

Users that are not superusers must not gain privileges by changing other users: by
creating a user that has them, or by setting the password of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Q

from ..models import GroupScope

__all__ = ["Privileges", "privileges_of"]


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
