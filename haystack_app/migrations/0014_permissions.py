"""Permissions that allow nothing go, from groups and users too.

Of audit entries, def libraries, and so on no page, view or op asks for them:

- add, change, delete and view of change, deflibrary, entityref, handshake, hissample,
  prioritylevel and tagset
- add, change and delete of groupscope
- change of token

``change_token`` and ``change_groupscope`` allowed to look at tokens and at the filter of
a group in the admin, so groups and users that have them get ``view_token`` and
``view_groupscope``. The log names the groups and users that lose one. Backwards,
``migrate`` makes the permissions again, without giving them to any group or user.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import migrations

logger = logging.getLogger("haystack_app.migrations")

_ALL = ("add", "change", "delete", "view")
_GONE = {
    "change": _ALL,
    "deflibrary": _ALL,
    "entityref": _ALL,
    "groupscope": ("add", "change", "delete"),
    "handshake": _ALL,
    "hissample": _ALL,
    "prioritylevel": _ALL,
    "tagset": _ALL,
    "token": ("change",),
}
_ALLOWED_TO_VIEW = ("groupscope", "token")


def remove(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    ours = permissions.filter(content_type__app_label="haystack_app")
    for model, actions in _GONE.items():
        if model in _ALLOWED_TO_VIEW:
            _give_view(ours.filter(content_type__model=model), model)
        for action in actions:
            for one in ours.filter(codename=f"{action}_{model}"):
                _tell(one)
                one.delete()


def _give_view(permissions: Any, model: str) -> None:
    view = permissions.filter(codename=f"view_{model}").first()
    for change in permissions.filter(codename=f"change_{model}"):
        view.group_set.add(*change.group_set.all())
        view.user_set.add(*change.user_set.all())


def _tell(permission: Any) -> None:
    groups = permission.group_set.values_list("name", flat=True)
    users = permission.user_set.values_list("pk", flat=True)
    had = [f"group {name!r}" for name in groups] + [f"user {pk}" for pk in users]
    if had:
        logger.warning(
            "the permission haystack_app.%s allowed nothing and goes; it was given to %s",
            permission.codename,
            ", ".join(had),
        )


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0013_haystack_prefix")]
    operations = [
        migrations.AlterModelOptions(
            "Change",
            {"default_permissions": ()},
        ),
        migrations.AlterModelOptions(
            "DefLibrary",
            {"default_permissions": (), "verbose_name_plural": "def libraries"},
        ),
        migrations.AlterModelOptions(
            "EntityRef",
            {"default_permissions": ()},
        ),
        migrations.AlterModelOptions(
            "GroupScope",
            {"default_permissions": ("view",)},
        ),
        migrations.AlterModelOptions(
            "Handshake",
            {"default_permissions": ()},
        ),
        migrations.AlterModelOptions(
            "HisSample",
            {"default_permissions": (), "verbose_name": "history sample"},
        ),
        migrations.AlterModelOptions(
            "PriorityLevel",
            {"default_permissions": ()},
        ),
        migrations.AlterModelOptions(
            "TagSet",
            {"default_permissions": ()},
        ),
        migrations.AlterModelOptions(
            "Token",
            {"default_permissions": ("add", "delete", "view")},
        ),
        migrations.RunPython(remove, migrations.RunPython.noop),
    ]
