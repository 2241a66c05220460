"""Plain SQL that changes tags marks the row: its tag set is not known then."""

from django.db import migrations, models

from ._operations import PostgresSql, SqliteSql

_CONDITION = (
    "NEW.version = OLD.version AND (NEW.tags {0} OLD.tags OR NEW.cur {0} OLD.cur)"
)
_FUNCTION = (
    "CREATE OR REPLACE FUNCTION entities_raise_version() RETURNS trigger"
    " LANGUAGE plpgsql AS $$ BEGIN"
    " NEW.version := OLD.version + 1;{} RETURN NEW; END $$"
)
_TRIGGER = (
    "CREATE TRIGGER entities_version"
    " AFTER UPDATE OF tags, cur ON entities"
    f" WHEN {_CONDITION.format('IS NOT')} BEGIN"
    " UPDATE entities SET version = version + 1{} WHERE id = NEW.id; END"
)


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0013_watch_subscriber")]
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
        SqliteSql(
            "DROP TRIGGER IF EXISTS entities_version",
            _TRIGGER.format(""),
        ),
        SqliteSql(
            _TRIGGER.format(", tag_set_id = 0"),
            "DROP TRIGGER IF EXISTS entities_version",
        ),
    ]
