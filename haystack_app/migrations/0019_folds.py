"""Stored parts of histories, and triggers that mark which samples changed.

A statement that changes samples marks their range once for each point, by transition
tables; where a hypertable has none, and on SQLite, once for the samples of a day.
Existing histories are folded by the worker after the migration.
"""

from django.db import migrations, models

from ._operations import PostgresSql, SqliteSql

_MARK = (
    "INSERT INTO haystack_fold_marks (point_id, first, last)"
    " SELECT point_id, min(ts), max(ts) FROM {} GROUP BY point_id"
)
_FUNCTION = (
    "CREATE OR REPLACE FUNCTION {} RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN {}; RETURN NULL; END $$"
)
_CHANGED = "(SELECT point_id, ts FROM before UNION ALL SELECT point_id, ts FROM after) AS changed"
# fewer marks than samples, for a row of the table is not much less than a sample
_OF_DAY = (
    "INSERT INTO haystack_fold_marks (point_id, first, last)"
    " SELECT {0}.point_id, {1} WHERE NOT EXISTS (SELECT 1 FROM haystack_fold_marks"
    " WHERE point_id = {0}.point_id AND first <= {0}.ts AND last >= {0}.ts)"
)
_POSTGRES_DAY = (
    "date_trunc('day', {0}.ts, 'UTC'), date_trunc('day', {0}.ts, 'UTC')"
    " + interval '1 day'"
)


def _of_day(row: str, day: str) -> str:
    return _OF_DAY.format(row, day.format(row))


_EVENTS = {
    "insert": ("NEW TABLE AS after", _MARK.format("after")),
    "update": ("OLD TABLE AS before NEW TABLE AS after", _MARK.format(_CHANGED)),
    "delete": ("OLD TABLE AS before", _MARK.format("before")),
}
_EACH_ROW = (
    "IF TG_OP <> 'INSERT' THEN "
    + _of_day("OLD", _POSTGRES_DAY)
    + "; END IF; IF TG_OP <> 'DELETE' THEN "
    + _of_day("NEW", _POSTGRES_DAY)
    + "; END IF"
)
_FORGET = (
    "DELETE FROM haystack_fold_parts; DELETE FROM haystack_fold_marks;"
    " DELETE FROM haystack_fold_points"
)


def _postgres() -> list[PostgresSql]:
    made = [
        PostgresSql(
            _FUNCTION.format("haystack_mark_sample()", _EACH_ROW),
            "DROP FUNCTION IF EXISTS haystack_mark_sample()",
        ),
        PostgresSql(
            _FUNCTION.format("haystack_forget_folds()", _FORGET),
            "DROP FUNCTION IF EXISTS haystack_forget_folds()",
        ),
        PostgresSql(
            "CREATE TRIGGER history_folds_truncate AFTER TRUNCATE ON history"
            " FOR EACH STATEMENT EXECUTE FUNCTION haystack_forget_folds()",
            "DROP TRIGGER IF EXISTS history_folds_truncate ON history",
        ),
    ]
    for event, (tables, mark) in _EVENTS.items():
        function, trigger = f"haystack_mark_{event}()", f"history_folds_{event}"
        head = f"CREATE TRIGGER {trigger} AFTER {event.upper()} ON history"
        made += [
            PostgresSql(
                _FUNCTION.format(function, mark), f"DROP FUNCTION IF EXISTS {function}"
            ),
            PostgresSql(
                f"DO $$ BEGIN {head} REFERENCING {tables}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {function};"
                f" EXCEPTION WHEN feature_not_supported THEN {head}"
                " FOR EACH ROW EXECUTE FUNCTION haystack_mark_sample(); END $$",
                f"DROP TRIGGER IF EXISTS {trigger} ON history",
            ),
        ]
    return made


def _sqlite() -> list[SqliteSql]:
    events = {
        "insert": ("INSERT", "NEW"),
        "update": ("UPDATE", "NEW"),
        "move": ("UPDATE OF point_id, ts", "OLD"),
        "delete": ("DELETE", "OLD"),
    }
    return [
        SqliteSql(
            f"CREATE TRIGGER history_folds_{name} AFTER {event} ON history"
            " WHEN NOT EXISTS (SELECT 1 FROM haystack_fold_marks"
            f" WHERE point_id = {row}.point_id"
            f" AND first = substr({row}.ts, 1, 10) || ' 00:00:00')"
            " BEGIN INSERT OR IGNORE INTO haystack_fold_marks (point_id, first, last)"
            f" VALUES ({row}.point_id, substr({row}.ts, 1, 10) || ' 00:00:00',"
            f" substr({row}.ts, 1, 10) || ' 23:59:59.999999'); END",
            f"DROP TRIGGER IF EXISTS history_folds_{name}",
        )
        for name, (event, row) in events.items()
    ]


# An id of its own: with wal_level minimal, PostgreSQL forgets in a crash how far a
# sequence was that the transaction of its table has used.
_ALL = (
    "INSERT INTO haystack_fold_marks (id, point_id, first, last)"
    " VALUES (0, '>', '1900-01-01 00:00:00{0}', '9999-12-31 00:00:00{0}')"
)


class Migration(migrations.Migration):
    dependencies = [
        ("haystack_app", "0018_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="FoldPart",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "point_id",
                        "hours",
                        "start",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("point_id", models.TextField()),
                (
                    "hours",
                    models.SmallIntegerField(help_text="24 for a day, of any length"),
                ),
                ("start", models.DateTimeField()),
                ("has_head", models.BooleanField()),
                ("head_val", models.FloatField(null=True)),
                ("head_obj", models.JSONField(null=True)),
                ("count", models.IntegerField()),
                ("na", models.IntegerField()),
                ("nan", models.IntegerField()),
                ("numbers", models.IntegerField()),
                ("small", models.FloatField()),
                ("huge", models.FloatField()),
                ("low", models.FloatField(null=True)),
                ("high", models.FloatField(null=True)),
                ("first_ts", models.DateTimeField(null=True)),
                ("first_val", models.FloatField(null=True)),
                ("first_obj", models.JSONField(null=True)),
                ("last_ts", models.DateTimeField(null=True)),
                ("last_val", models.FloatField(null=True)),
                ("last_obj", models.JSONField(null=True)),
                ("held_small", models.FloatField()),
                ("held_huge", models.FloatField()),
                ("held_known", models.FloatField()),
                ("line_small", models.FloatField()),
                ("line_huge", models.FloatField()),
                ("line_known", models.FloatField()),
                ("start_number", models.FloatField(null=True)),
                ("end_number", models.FloatField(null=True)),
                ("is_infinite", models.BooleanField()),
                ("drops", models.TextField(null=True)),
            ],
            options={
                "db_table": "haystack_fold_parts",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="FoldPoint",
            fields=[
                ("point_id", models.TextField(primary_key=True, serialize=False)),
                ("zone", models.TextField()),
                ("hourly", models.BooleanField()),
            ],
            options={
                "db_table": "haystack_fold_points",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="FoldMark",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("point_id", models.TextField()),
                ("first", models.DateTimeField()),
                ("last", models.DateTimeField()),
            ],
            options={
                "db_table": "haystack_fold_marks",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["point_id", "first"], name="haystack_fold_marks_point"
                    )
                ],
            },
        ),
        *_postgres(),
        *_sqlite(),
        PostgresSql(_ALL.format("+00"), ""),
        SqliteSql(_ALL.format(""), ""),
    ]
