"""Connectors, and the entities of each."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("haystack_app", "0025_webhooks"),
    ]

    operations = [
        migrations.CreateModel(
            name="Connector",
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
                ("kind", models.CharField(max_length=50)),
                (
                    "storage",
                    models.CharField(
                        default="default",
                        help_text="the storage that its entities are in",
                        max_length=100,
                    ),
                ),
                ("settings", models.JSONField(blank=True, default=dict)),
                ("enabled", models.BooleanField(default=False)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "not tried yet"),
                            ("ok", "ok"),
                            ("settings", "invalid settings"),
                            ("authentication", "authentication failed"),
                            ("address", "address refused"),
                            ("unreachable", "unreachable"),
                            ("tls", "TLS failed"),
                            ("timeout", "timed out"),
                            ("unsupported", "protocol not supported"),
                            ("clock", "clocks differ"),
                            ("invalid", "invalid answer"),
                            ("refused", "request refused"),
                            ("confirm", "needs confirmation"),
                            ("failed", "internal error"),
                        ],
                        default="new",
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("status_since", models.DateTimeField(editable=False, null=True)),
                ("last_error", models.TextField(blank=True, editable=False)),
                ("last_error_at", models.DateTimeField(editable=False, null=True)),
                ("last_success_at", models.DateTimeField(editable=False, null=True)),
                (
                    "lag",
                    models.FloatField(
                        editable=False,
                        help_text="seconds that what is stored is older than what the system has",
                        null=True,
                    ),
                ),
                (
                    "state",
                    models.JSONField(
                        default=dict,
                        editable=False,
                        help_text="what the kind remembers",
                    ),
                ),
                ("holder", models.TextField(blank=True, editable=False)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        help_text="a group with a filter: all entities of the connector must match it",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="haystack_connectors",
                        to="auth.group",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_connectors",
                "ordering": ["name"],
                "permissions": [("manage_connectors", "Can manage connectors")],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ConnectorEntity",
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
                ("entity_id", models.TextField()),
                (
                    "far_id",
                    models.TextField(
                        help_text="its id, topic or address in the other system"
                    ),
                ),
                ("taken", models.JSONField(default=dict)),
                (
                    "state",
                    models.JSONField(default=dict, help_text="what the kind remembers"),
                ),
                ("error", models.TextField(blank=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entities",
                        to="haystack_app.connector",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_connector_entities",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connector", "far_id"),
                        name="haystack_connector_entities_far",
                    ),
                    models.UniqueConstraint(
                        fields=("connector", "entity_id"),
                        name="haystack_connector_entities_entity",
                    ),
                ],
            },
        ),
    ]
