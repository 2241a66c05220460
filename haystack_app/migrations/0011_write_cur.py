"""Who may write samples may write current values, too: those were samples' before."""

from __future__ import annotations

from typing import Any

from django.db import migrations

_BEFORE, _NEW = "write_history", "write_cur"


def grant(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    ours = {"content_type__app_label": "haystack_app"}
    before = permissions.filter(codename=_BEFORE, **ours).first()
    if before is None:  # a new database: the roles are made behind migrate
        return
    new, _ = permissions.get_or_create(
        codename=_NEW,
        content_type=before.content_type,
        defaults={"name": "Can write current values of points"},
    )
    for group in before.group_set.using(using).all():
        group.permissions.add(new)
    for user in before.user_set.using(using).all():
        user.user_permissions.add(new)


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0010_version_by_sql")]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
