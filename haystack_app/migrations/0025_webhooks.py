"""Webhooks, their deliveries, and points beyond their limits."""

import functools
import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.crypto
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("haystack_app", "0024_history_policies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Webhook",
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
                ("name", models.CharField(max_length=100)),
                (
                    "url",
                    models.CharField(
                        help_text="where events are sent by POST, such as https://example.com/hook",
                        max_length=2000,
                        verbose_name="URL",
                    ),
                ),
                ("storage", models.CharField(default="default", max_length=100)),
                (
                    "filter",
                    models.TextField(
                        help_text="entities whose events are sent, such as point and siteRef == @north"
                    ),
                ),
                (
                    "on_created",
                    models.BooleanField(default=False, verbose_name="created entities"),
                ),
                (
                    "on_updated",
                    models.BooleanField(default=False, verbose_name="updated entities"),
                ),
                (
                    "on_removed",
                    models.BooleanField(default=False, verbose_name="removed entities"),
                ),
                (
                    "on_override",
                    models.BooleanField(
                        default=False,
                        help_text="levels of priority arrays that are set, released or expire",
                        verbose_name="overrides",
                    ),
                ),
                (
                    "on_connector",
                    models.BooleanField(
                        default=False,
                        help_text="connectors that fail or work again; the owner must be allowed to manage them",
                        verbose_name="connectors",
                    ),
                ),
                (
                    "limit_tag",
                    models.CharField(
                        choices=[
                            ("curVal", "current value"),
                            ("hisEndVal", "newest sample"),
                        ],
                        default="curVal",
                        max_length=10,
                        verbose_name="value",
                    ),
                ),
                (
                    "limit_op",
                    models.CharField(
                        blank=True,
                        choices=[(">", "above"), ("<", "below")],
                        help_text="send when the value of a point gets above or below the limit, and when it is back",
                        max_length=1,
                        verbose_name="crosses",
                    ),
                ),
                (
                    "limit",
                    models.CharField(
                        blank=True,
                        help_text="in the unit of the points, such as 80°C",
                        max_length=100,
                    ),
                ),
                (
                    "hysteresis",
                    models.FloatField(
                        default=0,
                        help_text="how far a value must get back from the limit to cross it again",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "with_tags",
                    models.BooleanField(
                        default=True,
                        help_text="otherwise ids are sent",
                        verbose_name="whole entities",
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("note", models.TextField(blank=True, editable=False)),
                (
                    "salt",
                    models.CharField(
                        default=functools.partial(
                            django.utils.crypto.get_random_string, *(32,), **{}
                        ),
                        editable=False,
                        max_length=32,
                    ),
                ),
                ("position", models.JSONField(default=dict, editable=False)),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(
                        help_text="what this user may see is sent",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="haystack_webhooks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "haystack_webhooks",
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="WebhookCrossing",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "webhook_id",
                        "entity_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("entity_id", models.TextField()),
                (
                    "webhook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="crossings",
                        to="haystack_app.webhook",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_webhook_crossings",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
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
                    "uuid",
                    models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("delivered", "delivered"),
                            ("failed", "given up"),
                            ("withdrawn", "not to be seen by the owner any more"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("events", models.JSONField()),
                ("count", models.PositiveIntegerField(help_text="events")),
                ("created", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_at", models.DateTimeField(help_text="time of the next attempt")),
                (
                    "last_at",
                    models.DateTimeField(
                        help_text="time of the last attempt", null=True
                    ),
                ),
                ("refused", models.BooleanField(default=False)),
                ("answer_status", models.PositiveIntegerField(null=True)),
                (
                    "answer",
                    models.TextField(blank=True, help_text="beginning of the answer"),
                ),
                ("error", models.TextField(blank=True)),
                (
                    "webhook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="haystack_app.webhook",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "db_table": "haystack_webhook_deliveries",
                "default_permissions": (),
            },
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.UniqueConstraint(
                fields=("owner", "name"), name="haystack_webhooks_owner_name"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("status", "waiting")),
                fields=["webhook", "id"],
                name="haystack_webhook_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                fields=["webhook", "-id"], name="haystack_webhook_deliveries_id"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["created"], name="haystack_webhook_created"),
        ),
    ]
