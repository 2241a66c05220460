"""Jobs, the bodies that they read, and schedules."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("haystack_app", "0017_sqlite_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Job",
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
                    "task",
                    models.CharField(
                        help_text="dotted path of the task", max_length=200
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("queue", models.CharField(max_length=20)),
                ("priority", models.SmallIntegerField(default=0)),
                ("args", models.JSONField(default=list)),
                ("kwargs", models.JSONField(default=dict)),
                ("owner_name", models.TextField(blank=True)),
                (
                    "process",
                    models.TextField(
                        blank=True,
                        help_text="the only process that may run it; empty for any",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("ready", "waiting"),
                            ("running", "running"),
                            ("successful", "successful"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="ready",
                        max_length=10,
                    ),
                ),
                ("enqueued_at", models.DateTimeField()),
                ("run_after", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("last_attempted_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("holder", models.TextField(blank=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("cancel_requested", models.BooleanField(default=False)),
                (
                    "done",
                    models.BigIntegerField(
                        default=0, help_text="what is done of the total"
                    ),
                ),
                ("total", models.BigIntegerField(null=True)),
                ("note", models.TextField(blank=True, help_text="what it is doing")),
                ("checkpoint", models.JSONField(null=True)),
                ("result", models.JSONField(null=True)),
                ("errors", models.JSONField(default=list)),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="haystack_jobs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "haystack_jobs",
                "default_permissions": ("change", "view"),
            },
        ),
        migrations.CreateModel(
            name="JobSchedule",
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
                    "name",
                    models.CharField(
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[\\w.-]+\\Z", "use letters, digits, _ . and -"
                            )
                        ],
                    ),
                ),
                (
                    "task",
                    models.CharField(help_text="dotted path of a task", max_length=200),
                ),
                (
                    "kwargs",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="keyword arguments of the task, as JSON",
                    ),
                ),
                (
                    "cron",
                    models.CharField(
                        help_text="minute, hour, day of month, month, day of week: 30 3 * * *",
                        max_length=100,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "next_at",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
            ],
            options={
                "db_table": "haystack_job_schedules",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="JobBody",
            fields=[
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="body",
                        serialize=False,
                        to="haystack_app.job",
                    ),
                ),
                ("content_type", models.TextField()),
                ("data", models.BinaryField()),
            ],
            options={
                "db_table": "haystack_job_bodies",
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="job",
            name="schedule",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="jobs",
                to="haystack_app.jobschedule",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("finished_at", None)),
                fields=["queue", "-priority", "id"],
                name="haystack_jobs_unfinished",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["finished_at"], name="haystack_jobs_finished"),
        ),
    ]
