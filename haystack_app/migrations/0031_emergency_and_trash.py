"""Permissions to write at level 1, and to empty the trash.

Both were part of others before. Groups and users that may write to points and change
entities keep level 1, those that may delete entities may empty the trash; operators lose
level 1.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

_EMERGENCY = "write_emergency", "Can write to points at level 1, for emergencies"
_TRASH = "empty_trash", "Can remove what is in the trash for good"
_NEEDED = {
    _EMERGENCY: ("write_points", "change_entity"),
    _TRASH: ("delete_entity",),
}
"""Those that had all of these get the new one."""


def grant(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    ours = permissions.filter(content_type__app_label="haystack_app")
    for (codename, name), needed in _NEEDED.items():
        before = list(ours.filter(codename__in=needed, content_type__model="entity"))
        if len(before) < len(needed):  # a new database: roles are made after migrate
            continue
        new, _ = permissions.get_or_create(
            codename=codename,
            content_type=before[0].content_type,
            defaults={"name": name},
        )
        for owners in ("group_set", "user_set"):
            holders = [set(getattr(one, owners).using(using).all()) for one in before]
            getattr(new, owners).add(*set.intersection(*holders))


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0030_dashboards")]
    operations = [
        migrations.AlterModelOptions(
            name="entity",
            options={
                "permissions": [
                    ("write_history", "Can write samples"),
                    ("write_points", "Can write to points by their priority arrays"),
                    _EMERGENCY,
                    ("write_cur", "Can write current values of points"),
                    ("invoke_actions", "Can invoke actions"),
                    _TRASH,
                ],
                "verbose_name_plural": "entities",
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
