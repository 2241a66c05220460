"""Rules of alarms, alarms and their log, and what the evaluator remembers."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("haystack_app", "0031_emergency_and_trash"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlarmNews",
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
                ("storage", models.CharField(max_length=100)),
                ("points", models.JSONField()),
            ],
            options={
                "db_table": "haystack_alarm_news",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AlarmRule",
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
                ("name", models.CharField(max_length=100, unique=True)),
                ("storage", models.CharField(default="default", max_length=100)),
                (
                    "filter",
                    models.TextField(
                        help_text="its points, such as zone and air and temp and sensor"
                    ),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        default=False,
                        help_text="look at the dry run before you switch it on",
                    ),
                ),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("last", "last value"),
                            ("avg", "average"),
                            ("min", "least value"),
                            ("max", "greatest value"),
                            ("share", "share of true"),
                            ("age", "age of the newest sample"),
                        ],
                        default="last",
                        max_length=5,
                    ),
                ),
                (
                    "window_seconds",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="of an average, least or greatest value, or a share",
                        validators=[django.core.validators.MaxValueValidator(604800)],
                    ),
                ),
                (
                    "op",
                    models.CharField(
                        choices=[
                            (">", "is above"),
                            ("<", "is below"),
                            ("==", "is"),
                            ("!=", "is not"),
                            ("outside", "differs by more than the tolerance from"),
                        ],
                        default=">",
                        max_length=7,
                        verbose_name="comparison",
                    ),
                ),
                (
                    "operand",
                    models.CharField(
                        choices=[
                            ("value", "a value"),
                            ("minVal", "minVal of the point"),
                            ("maxVal", "maxVal of the point"),
                            ("point", "another point"),
                        ],
                        default="value",
                        max_length=6,
                        verbose_name="compared with",
                    ),
                ),
                (
                    "value",
                    models.CharField(
                        blank=True,
                        help_text='in the unit of the points, such as 26°C; 50% for a share; 2h for an age; true or "fault" for a state',
                        max_length=100,
                    ),
                ),
                (
                    "path",
                    models.CharField(
                        blank=True,
                        help_text="refs from the point to the other one, such as spRef or equipRef->zoneSpRef",
                        max_length=200,
                    ),
                ),
                (
                    "tolerance",
                    models.FloatField(
                        default=0,
                        help_text="in the unit of the points: how far beyond is still right",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "hysteresis",
                    models.FloatField(
                        default=0,
                        help_text="in the unit of the points: how far a value must be back",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "delay_seconds",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="how long it must be so",
                        validators=[django.core.validators.MaxValueValidator(604800)],
                    ),
                ),
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "info"),
                            (2, "warning"),
                            (3, "severe"),
                            (4, "critical"),
                        ],
                        default=2,
                    ),
                ),
                (
                    "text",
                    models.CharField(
                        blank=True,
                        help_text="what people read, and what to do",
                        max_length=300,
                    ),
                ),
                (
                    "suppress",
                    models.TextField(
                        blank=True,
                        help_text="the equipment of a point matches this filter, such as not enabled",
                        verbose_name="suppressed while",
                    ),
                ),
                (
                    "maintenance_until",
                    models.DateTimeField(
                        blank=True,
                        help_text="nothing is raised before that time",
                        null=True,
                    ),
                ),
                ("maintenance_reason", models.CharField(blank=True, max_length=300)),
                (
                    "mail_to",
                    models.CharField(
                        blank=True,
                        help_text="addresses, separated by commas",
                        max_length=1000,
                    ),
                ),
                (
                    "escalate_minutes",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="time without acknowledgement after which others get a mail",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                    ),
                ),
                (
                    "escalate_to",
                    models.CharField(
                        blank=True,
                        help_text="addresses, separated by commas",
                        max_length=1000,
                    ),
                ),
                ("edited", models.DateTimeField(auto_now=True)),
                ("problem", models.TextField(blank=True, editable=False)),
                ("points", models.PositiveIntegerField(default=0, editable=False)),
            ],
            options={
                "db_table": "haystack_alarm_rules",
                "ordering": ["name"],
                "permissions": [("change_rules", "Can change rules of alarms")],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="webhook",
            name="on_alarm",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="alarms of points that are raised, acknowledged or cleared",
                verbose_name="alarms",
            ),
        ),
        migrations.CreateModel(
            name="Alarm",
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
                ("point_id", models.TextField()),
                ("dis", models.TextField()),
                ("equip_id", models.TextField(blank=True)),
                ("site_id", models.TextField(blank=True)),
                ("raised_at", models.DateTimeField()),
                ("cleared_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField()),
                ("escalated_at", models.DateTimeField(null=True)),
                ("value", models.JSONField(null=True)),
                ("late", models.BooleanField(default=False)),
                ("withdrawn", models.BooleanField(default=False)),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alarms",
                        to="haystack_app.alarmrule",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_alarms",
                "permissions": [("acknowledge_alarms", "Can acknowledge alarms")],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AlarmTransition",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("raised", "raised"),
                            ("acknowledged", "acknowledged"),
                            ("cleared", "cleared"),
                            ("withdrawn", "withdrawn"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("late", models.BooleanField(default=False)),
                ("value", models.JSONField(null=True)),
                ("who", models.CharField(blank=True, max_length=200)),
                ("note", models.CharField(blank=True, max_length=1000)),
                (
                    "alarm",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transitions",
                        to="haystack_app.alarm",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_alarm_transitions",
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AlarmMail",
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
                ("address", models.CharField(max_length=320)),
                ("escalated", models.BooleanField(default=False)),
                ("created", models.DateTimeField()),
                ("next_at", models.DateTimeField(db_index=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "transition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to="haystack_app.alarmtransition",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_alarm_mails",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AlarmPause",
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
                ("storage", models.CharField(max_length=100)),
                ("equip_id", models.TextField(blank=True)),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "rule",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pauses",
                        to="haystack_app.alarmrule",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_alarm_pauses",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("end", None),
                            ("end__gte", models.F("start")),
                            _connector="OR",
                        ),
                        name="haystack_alarm_pauses_order",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AlarmPair",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "rule_id",
                        "point_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("point_id", models.TextField()),
                ("meaning", models.CharField(max_length=32)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("due", models.DateTimeField(null=True)),
                ("end", models.DateTimeField(null=True)),
                ("size", models.BigIntegerField(default=0)),
                (
                    "rule",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pairs",
                        to="haystack_app.alarmrule",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_alarm_pairs",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("due__isnull", False)),
                        fields=["due"],
                        name="haystack_alarm_pairs_due",
                    ),
                    models.Index(
                        fields=["point_id"], name="haystack_alarm_pairs_point"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="alarm",
            index=models.Index(
                fields=["point_id", "-raised_at"], name="haystack_alarms_point"
            ),
        ),
        migrations.AddIndex(
            model_name="alarm",
            index=models.Index(
                fields=["rule", "point_id", "cleared_at"], name="haystack_alarms_pair"
            ),
        ),
        migrations.AddConstraint(
            model_name="alarm",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cleared_at", None)),
                fields=("rule", "point_id"),
                name="haystack_alarms_one_open",
            ),
        ),
    ]
