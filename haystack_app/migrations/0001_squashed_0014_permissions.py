"""All tables, as new databases get them.

PostgreSQL alone has the index that filters stand on, and room for HOT updates: a
GinIndex in Meta would be a B-tree over JSON text on SQLite. At fillfactor 70 all
updates of ``cur`` and ``version`` stay on their page (41 % at 100), and an emptied page
of ``haystack_watch_items`` has room for new versions of its rows.

A change of tags by plain SQL raises ``version`` too, so that watches see it. The app's
own statements raise it themselves: for them the condition of the trigger is false at
its first comparison.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from ._operations import Hypertable, NoForeignTables, PostgresSql, SqliteSql

_CHANGED = (
    "NEW.version = OLD.version AND (NEW.tags {0} OLD.tags OR NEW.cur {0} OLD.cur)"
)


class Migration(migrations.Migration):
    initial = True

    # A database of the release before goes through these, one by one, and back to
    # 0012_tasks. The next release deletes them, and this line.
    replaces = [
        ("haystack_app", "0001_initial"),
        ("haystack_app", "0002_postgres"),
        ("haystack_app", "0003_hypertable"),
        ("haystack_app", "0004_changes_defs_priorities"),
        ("haystack_app", "0005_mod_tag"),
        ("haystack_app", "0006_log_in"),
        ("haystack_app", "0007_roles"),
        ("haystack_app", "0008_audit"),
        ("haystack_app", "0009_watches"),
        ("haystack_app", "0010_version_by_sql"),
        ("haystack_app", "0011_write_cur"),
        ("haystack_app", "0012_tasks"),
        ("haystack_app", "0013_haystack_prefix"),
        ("haystack_app", "0014_permissions"),
    ]

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        NoForeignTables(["entities", "history"]),
        # -- entities ---------------------------------------------------------
        migrations.CreateModel(
            name="TagSet",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "names",
                    models.TextField(
                        help_text="tag names, sorted, separated by spaces"
                    ),
                ),
            ],
            options={
                "db_table": "haystack_tag_sets",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Entity",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("tags", models.JSONField()),
                ("cur", models.JSONField(default=dict)),
                ("mod", models.DateTimeField()),
                ("version", models.BigIntegerField(default=1)),
                (
                    "tag_set",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="haystack_app.tagset",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entities",
                "db_table": "entities",
                "permissions": [
                    ("write_history", "Can write samples"),
                    ("write_points", "Can write to points by their priority arrays"),
                    ("write_cur", "Can write current values of points"),
                    ("invoke_actions", "Can invoke actions"),
                ],
            },
        ),
        PostgresSql(
            "CREATE INDEX IF NOT EXISTS entities_tags_gin ON entities USING gin (tags)",
            "DROP INDEX IF EXISTS entities_tags_gin",
        ),
        PostgresSql(
            "ALTER TABLE entities SET (fillfactor = 70)",
            "ALTER TABLE entities RESET (fillfactor)",
        ),
        PostgresSql(
            "CREATE OR REPLACE FUNCTION entities_raise_version() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ BEGIN"
            " NEW.version := OLD.version + 1; RETURN NEW; END $$",
            "DROP FUNCTION IF EXISTS entities_raise_version",
        ),
        PostgresSql(
            "CREATE OR REPLACE TRIGGER entities_version"
            " BEFORE UPDATE OF tags, cur ON entities FOR EACH ROW"
            f" WHEN ({_CHANGED.format('IS DISTINCT FROM')})"
            " EXECUTE FUNCTION entities_raise_version()",
            "DROP TRIGGER IF EXISTS entities_version ON entities",
        ),
        SqliteSql(
            "CREATE TRIGGER IF NOT EXISTS entities_version"
            " AFTER UPDATE OF tags, cur ON entities"
            f" WHEN {_CHANGED.format('IS NOT')} BEGIN"
            " UPDATE entities SET version = version + 1 WHERE id = NEW.id; END",
            "DROP TRIGGER IF EXISTS entities_version",
        ),
        migrations.CreateModel(
            name="EntityRef",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "path",
                        "dst",
                        "src",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("path", models.TextField()),
                ("dst", models.TextField()),
                (
                    "src",
                    models.ForeignKey(
                        db_column="src",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="edges",
                        to="haystack_app.entity",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_entity_ref",
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["dst"], name="haystack_entity_ref_dst")
                ],
            },
        ),
        # -- what belongs to points --------------------------------------------
        migrations.CreateModel(
            name="HisSample",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "point_id",
                        "ts",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("ts", models.DateTimeField()),
                ("val", models.FloatField(null=True)),
                ("obj", models.JSONField(null=True)),
                (
                    "point",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="haystack_app.entity",
                    ),
                ),
            ],
            options={
                "verbose_name": "history sample",
                "db_table": "history",
                "default_permissions": (),
            },
        ),
        Hypertable("history", "ts"),
        migrations.CreateModel(
            name="PriorityLevel",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "point_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "number",
                    models.SmallIntegerField(help_text="1 (emergency) to 17 (default)"),
                ),
                ("val", models.JSONField()),
                ("who", models.TextField(blank=True)),
                ("expires", models.DateTimeField(null=True)),
                (
                    "point",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="haystack_app.entity",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_priority_levels",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("expires__isnull", False)),
                        fields=["expires"],
                        name="haystack_priority_expires",
                    )
                ],
            },
        ),
        # -- changes, watches, defs, tasks -------------------------------------
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("who", models.TextField(blank=True)),
                ("entity_id", models.TextField()),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("add", "add"),
                            ("update", "update"),
                            ("remove", "remove"),
                        ]
                    ),
                ),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
            ],
            options={
                "db_table": "haystack_changes",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["entity_id", "-id"], name="haystack_changes_entity"
                    ),
                    models.Index(fields=["at"], name="haystack_changes_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PrunedChanges",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(
                        default=1, primary_key=True, serialize=False
                    ),
                ),
                ("upto", models.BigIntegerField()),
            ],
            options={
                "db_table": "haystack_pruned_changes",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Watch",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("dis", models.TextField(blank=True)),
                (
                    "owner",
                    models.TextField(
                        db_index=True, help_text="the user that opened it"
                    ),
                ),
                ("key", models.TextField(editable=False)),
                (
                    "filter",
                    models.TextField(help_text="empty for a watch of ids", null=True),
                ),
                ("lease", models.FloatField(help_text="seconds")),
                ("expires", models.DateTimeField(db_index=True)),
                ("seq", models.BigIntegerField(help_text="number of the last update")),
                (
                    "subscriber",
                    models.TextField(
                        blank=True,
                        help_text="process that pushes updates; empty if polled",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "watches",
                "db_table": "haystack_watches",
                "default_permissions": ("view", "delete"),
            },
        ),
        migrations.CreateModel(
            name="WatchItem",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "watch_id",
                        "entity_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("watch_id", models.TextField()),
                ("entity_id", models.TextField()),
                ("sent", models.BigIntegerField(null=True)),
                ("seq", models.BigIntegerField()),
            ],
            options={
                "db_table": "haystack_watch_items",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["entity_id", "watch_id"],
                        name="haystack_watch_items_entity",
                    )
                ],
            },
        ),
        PostgresSql(
            "ALTER TABLE haystack_watch_items SET (fillfactor = 70)",
            "ALTER TABLE haystack_watch_items RESET (fillfactor)",
        ),
        migrations.CreateModel(
            name="DefLibrary",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("defs", models.JSONField()),
                ("loaded", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "def libraries",
                "db_table": "haystack_def_libraries",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("holder", models.TextField()),
                ("until", models.DateTimeField()),
            ],
            options={
                "db_table": "haystack_tasks",
                "default_permissions": (),
            },
        ),
        # -- users -------------------------------------------------------------
        migrations.CreateModel(
            name="GroupScope",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "filter",
                    models.TextField(
                        help_text="such as siteRef == @north or id == @north"
                    ),
                ),
                (
                    "group",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="haystack_scope",
                        to="auth.group",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_group_scopes",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Handshake",
            fields=[
                (
                    "token",
                    models.CharField(max_length=32, primary_key=True, serialize=False),
                ),
                ("username", models.TextField()),
                ("client_first", models.BinaryField(default=b"")),
                ("server_first", models.TextField(blank=True)),
                ("expires", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "haystack_handshakes",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "digest",
                    models.CharField(editable=False, max_length=64, unique=True),
                ),
                (
                    "name",
                    models.CharField(help_text="purpose of the token", max_length=100),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("read", "read: no changes"),
                            ("write", "write: also samples, points and actions"),
                            ("admin", "admin: all permissions of the user"),
                        ],
                        max_length=5,
                    ),
                ),
                ("proof", models.TextField(editable=False)),
                ("created", models.DateTimeField(editable=False)),
                ("used", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "expires",
                    models.DateTimeField(
                        blank=True,
                        db_index=True,
                        help_text="empty if it does not expire",
                        null=True,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="haystack_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "haystack_tokens",
                "default_permissions": ("add", "delete", "view"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("name", ""), _negated=True),
                        fields=("user", "name"),
                        name="haystack_tokens_user_name",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("log-in failed", "log-in failed"),
                            ("log-in throttled", "log-in throttled"),
                            ("user created", "user created"),
                            ("user changed", "user changed"),
                            ("user disabled", "user disabled"),
                            ("user enabled", "user enabled"),
                            ("user deleted", "user deleted"),
                            ("groups changed", "groups changed"),
                            ("permissions changed", "permissions changed"),
                            ("group created", "group created"),
                            ("group changed", "group changed"),
                            ("group deleted", "group deleted"),
                            ("token created", "token created"),
                            ("token revoked", "token revoked"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "who",
                    models.TextField(
                        blank=True, help_text="empty for management commands"
                    ),
                ),
                ("address", models.TextField(blank=True)),
                ("detail", models.TextField(blank=True)),
                ("times", models.PositiveIntegerField(default=1)),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit log",
                "db_table": "haystack_audit",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["event", "at"], name="haystack_audit_event_at"
                    ),
                    models.Index(
                        fields=["event", "-id"], name="haystack_audit_event_id"
                    ),
                ],
            },
        ),
    ]
