"""The roles of a new database: groups of Django permissions.

They are created after ``migrate`` if they are missing, and never changed, so that
changes by administrators are kept.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps as global_apps
from django.contrib.auth import get_permission_codename, get_user_model
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.db.models.signals import post_migrate
from django.dispatch import receiver

__all__ = [
    "ACKNOWLEDGE_ALARMS",
    "CHANGE_RULES",
    "EDITING",
    "EMPTY_TRASH",
    "OPERATOR_PERMISSIONS",
    "ROLES",
    "VIEW",
    "WRITE_EMERGENCY",
    "WRITE_POINTS",
]

VIEW = "view_entity"
WRITE_POINTS = "write_points"
WRITE_EMERGENCY = "write_emergency"
EMPTY_TRASH = "empty_trash"
ACKNOWLEDGE_ALARMS = "acknowledge_alarms"
CHANGE_RULES = "change_rules"
OPERATOR_PERMISSIONS = ("write_history", WRITE_POINTS, "write_cur", "invoke_actions")
EDITING = ("add_entity", "change_entity", "delete_entity")
_USERS = tuple(
    get_permission_codename(action, get_user_model()._meta)
    for action in ("view", "add", "change", "delete")
)

ROLES = {
    "viewer": (VIEW,),
    "operator": (VIEW, *OPERATOR_PERMISSIONS, ACKNOWLEDGE_ALARMS, "add_dashboard"),
    "admin": (
        VIEW,
        *OPERATOR_PERMISSIONS,
        WRITE_EMERGENCY,
        ACKNOWLEDGE_ALARMS,
        CHANGE_RULES,
        *EDITING,
        EMPTY_TRASH,
        *_USERS,
        "view_group",
        "view_auditentry",
        *("add_dashboard", "change_dashboard", "delete_dashboard"),
    ),
}
"""Codenames of permissions of this app, of users and of groups, by name of group."""


@receiver(post_migrate)
def create_roles(sender: Any, using: str, apps: Any = None, **_: Any) -> None:
    if sender.label != "haystack_app" or not _is_migrated(apps):
        return
    labels = {"auth", "haystack_app", get_user_model()._meta.app_label}
    for label in labels:
        create_permissions(global_apps.get_app_config(label), verbosity=0, using=using)
    ours = Q(content_type__app_label__in=labels)
    for name, codenames in ROLES.items():
        group, is_new = Group.objects.using(using).get_or_create(name=name)
        if is_new:
            group.permissions.set(
                Permission.objects.using(using).filter(ours, codename__in=codenames)
            )


def _is_migrated(apps: Any) -> bool:
    """Whether the tables exist: ``migrate`` may be run for single apps or backwards."""
    if apps is None:  # after flush
        return True
    try:
        apps.get_model("auth.Permission")
        apps.get_model("haystack_app.GroupScope")
        apps.get_model(get_user_model()._meta.label)
    except LookupError:
        return False
    return True
