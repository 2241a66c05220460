"""Policies of histories, and which samples they dropped."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("haystack_app", "0023_edges_of_deleted_rows"),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoryPolicy",
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
                (
                    "position",
                    models.PositiveIntegerField(help_text="the lowest is the first"),
                ),
                ("filter", models.TextField(help_text="such as point and meter")),
                (
                    "keep_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="days that samples are kept; empty for ever. Roll-ups to days stay",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(36500),
                        ],
                    ),
                ),
                (
                    "compress_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="days until samples are compressed; empty for never. Needs the Community edition of TimescaleDB",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(36500),
                        ],
                    ),
                ),
                (
                    "late",
                    models.CharField(
                        choices=[
                            (
                                "refuse",
                                "refuse samples that are older than what is kept",
                            ),
                            ("keep", "store them until the next time"),
                        ],
                        default="refuse",
                        max_length=6,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
            ],
            options={
                "verbose_name_plural": "history policies",
                "db_table": "haystack_history_policies",
                "ordering": ["position", "id"],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="foldpoint",
            name="dropped",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="event",
            field=models.CharField(
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
                    ("samples dropped", "samples dropped"),
                ],
                max_length=20,
            ),
        ),
    ]
