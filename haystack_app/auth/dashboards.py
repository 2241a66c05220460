"""Who may see and change which dashboards."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from ..models import Dashboard
from .permissions import has_permission
from .roles import VIEW

__all__ = ["dashboards_seen_by", "may_change_dashboard", "may_delete_dashboard"]


def dashboards_seen_by(user: Any) -> QuerySet[Dashboard]:
    """The user's own, those of the user's groups, and those for everyone.

    Superusers see all. Users without the permission ``view_entity`` see none, because
    everything on a dashboard requires it.
    """
    every = Dashboard.objects.all()
    if user.is_superuser and user.is_active:
        return every
    if not has_permission(user, VIEW):
        return every.none()
    theirs = Dashboard.groups.through.objects.filter(group__user=user.pk)
    shared = Q(everyone=True) | Q(pk__in=theirs.values("dashboard"))
    return every.filter(Q(owner=user.pk) | shared)


def may_change_dashboard(user: Any, dashboard: Dashboard) -> bool:
    """Whether the user may change a dashboard that they see."""
    return _owns(user, dashboard) or has_permission(user, "change_dashboard")


def may_delete_dashboard(user: Any, dashboard: Dashboard) -> bool:
    """Whether the user may delete a dashboard that they see."""
    return _owns(user, dashboard) or has_permission(user, "delete_dashboard")


def _owns(user: Any, dashboard: Dashboard) -> bool:
    return dashboard.owner_id is not None and dashboard.owner_id == user.pk
