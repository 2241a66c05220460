"""A change of tags by plain SQL raises ``version`` too, so that watches see it.

Our own statements raise it themselves: for them the condition is false at its
first comparison.
"""

from django.db import migrations

from ._operations import PostgresSql, SqliteSql

_CONDITION = (
    "NEW.version = OLD.version AND (NEW.tags {0} OLD.tags OR NEW.cur {0} OLD.cur)"
)


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0009_watches")]
    operations = [
        PostgresSql(
            "CREATE OR REPLACE FUNCTION entities_raise_version() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ BEGIN"
            " NEW.version := OLD.version + 1; RETURN NEW; END $$",
            "DROP FUNCTION IF EXISTS entities_raise_version",
        ),
        PostgresSql(
            "CREATE OR REPLACE TRIGGER entities_version"
            " BEFORE UPDATE OF tags, cur ON entities FOR EACH ROW"
            f" WHEN ({_CONDITION.format('IS DISTINCT FROM')})"
            " EXECUTE FUNCTION entities_raise_version()",
            "DROP TRIGGER IF EXISTS entities_version ON entities",
        ),
        SqliteSql(
            "CREATE TRIGGER IF NOT EXISTS entities_version"
            " AFTER UPDATE OF tags, cur ON entities"
            f" WHEN {_CONDITION.format('IS NOT')} BEGIN"
            " UPDATE entities SET version = version + 1 WHERE id = NEW.id; END",
            "DROP TRIGGER IF EXISTS entities_version",
        ),
        # an emptied page has room for new versions of its rows
        PostgresSql(
            "ALTER TABLE watch_items SET (fillfactor = 70)",
            "ALTER TABLE watch_items RESET (fillfactor)",
        ),
    ]
