"""How much a user may do, to compare: nobody may give what they lack.

Who changes users without being a superuser must not come by more rights that way:
by making a user who has them, or by the password of one.
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
    """``scopes`` are the groups whose filters say what is seen; none: everything."""

    is_superuser: bool
    permissions: frozenset[int]
    scopes: frozenset[int]

    def covers(self, other: Privileges) -> bool:
        if self.is_superuser:
            return True
        if other.is_superuser or not other.permissions <= self.permissions:
            return False
        # filters cannot be compared, but their groups can
        return not self.scopes or (bool(other.scopes) and other.scopes <= self.scopes)


def privileges_of(user: Any) -> Privileges:
    """Also of a disabled user, who may be enabled again."""
    permissions = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    scopes = GroupScope.objects.filter(group__user=user)
    return Privileges(
        user.is_superuser,
        frozenset(permissions.values_list("pk", flat=True)),
        frozenset(scopes.values_list("group_id", flat=True)),
    )
