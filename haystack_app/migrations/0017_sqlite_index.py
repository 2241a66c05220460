"""SQLite gets an index of its own for filters; PostgreSQL has one on the tags.

Which tag sets have a name is derived by triggers, which also delete the values of a
deleted entity. What entities have is written by their commits, and made here for the entities of an existing database: strings, whole
numbers and bools.
"""

from django.db import migrations

from ._operations import SqliteSql

_NAMES = "json_each('[\"' || replace({}.names, ' ', '\",\"') || '\"]') AS tag"
_STORE = (
    "INSERT OR IGNORE INTO haystack_set_terms (name, value, tag_set_id)"
    " SELECT tag.value, '', {}.id FROM "
)
_OF_NEW = _STORE.format("NEW") + _NAMES.format("NEW")
_FORGET = (
    "DELETE FROM haystack_set_terms WHERE value = '' AND tag_set_id = OLD.id"
    f" AND name IN (SELECT tag.value FROM {_NAMES.format('OLD')})"
)
_VALUES_OF_OLD = (
    "SELECT tag.key, CASE tag.type WHEN 'text' THEN substr(tag.atom, 1, 64)"
    " ELSE CAST(CAST(tag.atom AS INTEGER) AS TEXT) END, OLD.id"
    " FROM json_each(OLD.tags) AS tag WHERE tag.type IN ('text', 'integer', 'real')"
)
_TAGS = " FROM entities AS e, json_each(e.tags) AS tag WHERE e.tag_set_id > 0 AND "
_SHARED = "tag.key IN ('hisMode', 'kind', 'tz', 'unit')"


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0016_write_log")]
    operations = [
        SqliteSql(
            "CREATE INDEX entities_tag_set ON entities (tag_set_id, id)",
            "DROP INDEX IF EXISTS entities_tag_set",
        ),
        SqliteSql(
            "CREATE TABLE haystack_set_terms (name text NOT NULL, value text NOT NULL,"
            " tag_set_id bigint NOT NULL, PRIMARY KEY (name, value, tag_set_id))"
            " WITHOUT ROWID",
            "DROP TABLE haystack_set_terms",
        ),
        SqliteSql(
            "CREATE TABLE haystack_entity_values (name text NOT NULL,"
            " value text NOT NULL, src text NOT NULL,"
            " PRIMARY KEY (name, value, src)) WITHOUT ROWID",
            "DROP TABLE haystack_entity_values",
        ),
        SqliteSql(
            "CREATE TRIGGER haystack_tag_sets_insert AFTER INSERT ON haystack_tag_sets"
            f" BEGIN {_OF_NEW}; END",
            "DROP TRIGGER IF EXISTS haystack_tag_sets_insert",
        ),
        SqliteSql(
            "CREATE TRIGGER haystack_tag_sets_update AFTER UPDATE ON haystack_tag_sets"
            f" BEGIN {_FORGET}; {_OF_NEW}; END",
            "DROP TRIGGER IF EXISTS haystack_tag_sets_update",
        ),
        SqliteSql(
            "CREATE TRIGGER haystack_tag_sets_delete AFTER DELETE ON haystack_tag_sets"
            f" BEGIN {_FORGET}; END",
            "DROP TRIGGER IF EXISTS haystack_tag_sets_delete",
        ),
        SqliteSql(
            "CREATE TRIGGER entities_delete AFTER DELETE ON entities"
            " WHEN OLD.tag_set_id > 0 BEGIN DELETE FROM haystack_entity_values"
            f" WHERE (name, value, src) IN ({_VALUES_OF_OLD}); END",
            "DROP TRIGGER IF EXISTS entities_delete",
        ),
        SqliteSql(
            "CREATE TRIGGER entities_delete_marked AFTER DELETE ON entities"
            " WHEN OLD.tag_set_id <= 0 BEGIN DELETE FROM haystack_entity_values"
            " WHERE src = OLD.id; END",
            "DROP TRIGGER IF EXISTS entities_delete_marked",
        ),
        SqliteSql(
            f"{_STORE.format('s')} haystack_tag_sets AS s, {_NAMES.format('s')}", ""
        ),
        SqliteSql(
            "INSERT OR IGNORE INTO haystack_set_terms (name, value, tag_set_id)"
            " SELECT tag.key, CASE tag.type WHEN 'text' THEN substr(tag.atom, 1, 64)"
            f" WHEN 'object' THEN 'dateTime' ELSE tag.type END, e.tag_set_id{_TAGS}"
            f"(tag.type IN ('true', 'false') OR tag.type = 'text' AND {_SHARED}"
            " OR tag.type = 'object' AND tag.key <> 'mod'"
            " AND tag.value ->> '$._kind' = 'dateTime')",
            "",
        ),
        SqliteSql(
            "INSERT OR IGNORE INTO haystack_entity_values (name, value, src)"
            f" SELECT tag.key, substr(tag.atom, 1, 64), e.id{_TAGS}"
            f"tag.type = 'text' AND NOT {_SHARED} ORDER BY 1, 2, 3",
            "",
        ),
        SqliteSql(
            "INSERT OR IGNORE INTO haystack_entity_values (name, value, src)"
            f" SELECT tag.key, CAST(CAST(tag.atom AS INTEGER) AS TEXT), e.id{_TAGS}"
            "tag.type IN ('integer', 'real') AND abs(tag.atom) < 9007199254740992"
            " AND tag.atom = CAST(tag.atom AS INTEGER)",
            "",
        ),
    ]
