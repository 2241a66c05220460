"""Plain SQL that changes tags marks the row: its tag set is unknown from then on.

The worker looks for marked rows each second, by a partial index.
"""

from django.db import migrations, models

from ._operations import PostgresSql, SqliteSql

_CHANGED = (
    "NEW.version = OLD.version AND (NEW.tags {0} OLD.tags OR NEW.cur {0} OLD.cur)"
)
_FUNCTION = (
    "CREATE OR REPLACE FUNCTION entities_raise_version() RETURNS trigger"
    " LANGUAGE plpgsql AS $$ BEGIN"
    " NEW.version := OLD.version + 1;{} RETURN NEW; END $$"
)
_DROP = "DROP TRIGGER IF EXISTS entities_version"
_TRIGGER = (
    "CREATE TRIGGER entities_version"
    " AFTER UPDATE OF tags, cur ON entities"
    f" WHEN {_CHANGED.format('IS NOT')} BEGIN"
    " UPDATE entities SET version = version + 1{} WHERE id = NEW.id; END"
)


class Migration(migrations.Migration):
    # not the squashed one: going back to 0012_tasks must come through here
    dependencies = [("haystack_app", "0014_permissions")]
    operations = [
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("tag_set", 0)),
                fields=["tag_set"],
                name="entities_marked",
            ),
        ),
        PostgresSql(_FUNCTION.format(" NEW.tag_set_id := 0;"), _FUNCTION.format("")),
        SqliteSql(_DROP, _TRIGGER.format("")),
        SqliteSql(_TRIGGER.format(", tag_set_id = 0"), _DROP),
    ]
