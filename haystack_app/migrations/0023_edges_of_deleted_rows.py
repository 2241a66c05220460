"""Plain SQL that deletes an entity deletes its edges too.

Otherwise an entity that is created with the same id would have them. A trigger costs
commits nothing: those that look for edges of new entities took a third longer.
"""

from django.db import migrations

from ._operations import PostgresSql, SqliteSql

_STRAYS = (
    "DELETE FROM haystack_entity_ref WHERE NOT EXISTS"
    " (SELECT 1 FROM entities WHERE entities.id = haystack_entity_ref.src)"
)


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0020_sample_log")]
    operations = [
        PostgresSql(_STRAYS, ""),
        SqliteSql(_STRAYS, ""),
        PostgresSql(
            "CREATE OR REPLACE FUNCTION entities_delete_edges() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ BEGIN"
            " DELETE FROM haystack_entity_ref WHERE src IN (SELECT id FROM gone);"
            " RETURN NULL; END $$",
            "DROP FUNCTION IF EXISTS entities_delete_edges()",
        ),
        PostgresSql(
            "CREATE TRIGGER entities_edges AFTER DELETE ON entities"
            " REFERENCING OLD TABLE AS gone FOR EACH STATEMENT"
            " EXECUTE FUNCTION entities_delete_edges()",
            "DROP TRIGGER IF EXISTS entities_edges ON entities",
        ),
        SqliteSql(
            "CREATE TRIGGER entities_edges AFTER DELETE ON entities BEGIN"
            " DELETE FROM haystack_entity_ref WHERE src = OLD.id; END",
            "DROP TRIGGER IF EXISTS entities_edges",
        ),
    ]
