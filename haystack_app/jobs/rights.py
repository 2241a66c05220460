"""Who may see and cancel which jobs."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from ..auth.permissions import has_permission, scope_filter
from ..models import Job

__all__ = ["may_cancel", "seen_by"]


def seen_by(user: Any) -> QuerySet[Job]:
    """The jobs of the user.

    Users with the permission ``view_job`` that may see all entities see all jobs,
    since titles and results name entities.
    """
    if has_permission(user, "view_job") and scope_filter(user) is None:
        return Job.objects.all()
    return Job.objects.filter(owner=user)


def may_cancel(user: Any, job: Job) -> bool:
    """Whether the user may cancel a job that they see."""
    return job.owner_id == user.pk or has_permission(user, "change_job")
