"""Receivers of signals for jobs."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_migrate
from django.dispatch import receiver

from . import retention, trash  # noqa: F401  register their tasks
from .schedules import create_schedules

__all__ = ["add_schedules"]


@receiver(post_migrate)
def add_schedules(sender: Any, using: str, apps: Any = None, **_: Any) -> None:
    """Add missing schedules of tasks, where the table exists."""
    if sender.label != "haystack_app":
        return
    try:
        if apps is not None:  # migrate may be run backwards
            apps.get_model("haystack_app.JobSchedule")
    except LookupError:
        return
    create_schedules(using)
