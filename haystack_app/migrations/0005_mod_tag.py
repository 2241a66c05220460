"""Entities stored before ``mod`` was a tag get it, from the column of that name."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import migrations

from haystack_app.kinds.datetimes import iso_text
from haystack_app.storage.stored import tag_set_id

_BATCH = 1_000


def add_mod(apps: Any, schema_editor: Any) -> None:
    _rewrite(apps, schema_editor, lambda tags, mod: tags | {"mod": mod})


def drop_mod(apps: Any, schema_editor: Any) -> None:
    _rewrite(
        apps,
        schema_editor,
        lambda tags, _: {name: tags[name] for name in tags if name != "mod"},
    )


def _rewrite(apps: Any, schema_editor: Any, change: Any) -> None:
    using = schema_editor.connection.alias
    entities = apps.get_model("haystack_app", "Entity").objects.using(using)
    tag_sets = apps.get_model("haystack_app", "TagSet")
    after = ""
    while rows := list(entities.filter(id__gt=after).order_by("id")[:_BATCH]):
        sets = {}
        for row in rows:
            mod = {"_kind": "dateTime", "val": iso_text(row.mod), "tz": "UTC"}
            tags = change(orjson.loads(row.tags), mod)
            names = sorted(tags)
            row.tags = orjson.dumps(tags).decode()
            row.tag_set_id = tag_set_id(tuple(names))
            sets[row.tag_set_id] = " ".join(names)
        tag_sets.objects.using(using).bulk_create(
            [tag_sets(id=id, names=names) for id, names in sets.items()],
            ignore_conflicts=True,
        )
        entities.bulk_update(rows, ["tags", "tag_set_id"])
        after = rows[-1].id


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0004_changes_defs_priorities")]
    operations = [migrations.RunPython(add_mod, drop_mod)]
