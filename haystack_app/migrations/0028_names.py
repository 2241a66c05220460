"""Refs carry names, which a commit writes into all referrers.

Entities of an existing database get them after the migration: the queue has an entry
for all of them. ``naming`` counts changes of names, for ETags; plain SQL does not
change it, so the trigger that raises ``version`` compares it, too.
"""

from django.db import migrations, models

from ._operations import PostgresSql, SqliteSql, TrigramIndex

_CHANGED = (
    "NEW.version = OLD.version{1} AND (NEW.tags {0} OLD.tags OR NEW.cur {0} OLD.cur)"
)
_NAMING = " AND NEW.naming = OLD.naming"
_DROP = "DROP TRIGGER IF EXISTS entities_version"
_DROP_ON_POSTGRES = "DROP TRIGGER IF EXISTS entities_version ON entities"


def _postgres(naming: str) -> str:
    return (
        "CREATE TRIGGER entities_version"
        " BEFORE UPDATE OF tags, cur ON entities FOR EACH ROW"
        f" WHEN ({_CHANGED.format('IS DISTINCT FROM', naming)})"
        " EXECUTE FUNCTION entities_raise_version()"
    )


def _sqlite(naming: str) -> str:
    return (
        "CREATE TRIGGER entities_version"
        " AFTER UPDATE OF tags, cur ON entities"
        f" WHEN {_CHANGED.format('IS NOT', naming)} BEGIN"
        " UPDATE entities SET version = version + 1, tag_set_id = 0"
        " WHERE id = NEW.id; END"
    )


def _columns(
    kind: type[PostgresSql] | type[SqliteSql],
) -> list[PostgresSql | SqliteSql]:
    """Added in place: a copy of SQLite's table would lose its triggers."""
    return [
        kind(
            f"ALTER TABLE entities ADD COLUMN {name} {declared}",
            f"ALTER TABLE entities DROP COLUMN {name}",
        )
        for name, declared in (
            ("naming", "integer NOT NULL DEFAULT 0"),
            ("search", "text NOT NULL DEFAULT ''"),
        )
    ]


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0027_mqtt")]
    operations = [
        PostgresSql(_DROP_ON_POSTGRES, _postgres("")),
        SqliteSql(_DROP, _sqlite("")),
        migrations.SeparateDatabaseAndState(
            database_operations=[*_columns(PostgresSql), *_columns(SqliteSql)],
            state_operations=[
                migrations.AddField(
                    "entity", "naming", models.IntegerField(db_default=0, default=0)
                ),
                migrations.AddField(
                    "entity", "search", models.TextField(db_default="", default="")
                ),
            ],
        ),
        PostgresSql(_postgres(_NAMING), _DROP_ON_POSTGRES),
        SqliteSql(_sqlite(_NAMING), _DROP),
        migrations.CreateModel(
            name="NameChange",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("after", models.TextField(default="")),
            ],
            options={"db_table": "haystack_name_changes", "default_permissions": ()},
        ),
        *(
            kind(
                "INSERT INTO haystack_name_changes (id, after)"
                " SELECT '', '' WHERE EXISTS (SELECT 1 FROM entities)",
                "",
            )
            for kind in (PostgresSql, SqliteSql)
        ),
        # the names of entities that plain SQL deletes
        PostgresSql(
            "CREATE OR REPLACE FUNCTION entities_forget_names() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO haystack_name_changes (id, after)"
            " SELECT gone.id, '' FROM gone WHERE EXISTS"
            " (SELECT 1 FROM haystack_entity_ref r WHERE r.dst = gone.id)"
            " ON CONFLICT (id) DO UPDATE SET after = '';"
            " RETURN NULL; END $$",
            "DROP FUNCTION IF EXISTS entities_forget_names()",
        ),
        PostgresSql(
            # before entities_edges, in the order of the alphabet
            "CREATE TRIGGER entities_delete_names AFTER DELETE ON entities"
            " REFERENCING OLD TABLE AS gone FOR EACH STATEMENT"
            " EXECUTE FUNCTION entities_forget_names()",
            "DROP TRIGGER IF EXISTS entities_delete_names ON entities",
        ),
        SqliteSql(
            "CREATE TRIGGER entities_delete_names AFTER DELETE ON entities"
            " WHEN EXISTS (SELECT 1 FROM haystack_entity_ref WHERE dst = OLD.id)"
            " BEGIN INSERT INTO haystack_name_changes (id, after) VALUES (OLD.id, '')"
            " ON CONFLICT (id) DO UPDATE SET after = ''; END",
            "DROP TRIGGER IF EXISTS entities_delete_names",
        ),
        TrigramIndex("entities_search", "entities", "search"),
    ]
