"""Dashboards, and the groups whose members may open them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("haystack_app", "0029_audit_of_logins"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Dashboard",
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
                    "slug",
                    models.SlugField(
                        help_text="the end of its address", max_length=80, unique=True
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                (
                    "storage",
                    models.CharField(
                        default="default", max_length=100, verbose_name="project"
                    ),
                ),
                (
                    "everyone",
                    models.BooleanField(
                        default=False,
                        help_text="all users that may see entities may open it",
                    ),
                ),
                (
                    "range",
                    models.CharField(
                        default="today",
                        help_text="of its charts when it is opened",
                        max_length=60,
                    ),
                ),
                (
                    "content",
                    models.JSONField(
                        blank=True, default=dict, help_text="sections of tiles"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("changed", models.DateTimeField(auto_now=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        db_table="haystack_dashboard_groups",
                        help_text="members may open it",
                        related_name="haystack_dashboards",
                        to="auth.group",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="haystack_dashboards",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "haystack_dashboards", "ordering": ["title", "slug"]},
        ),
    ]
