"""Rules of connectors to MQTT brokers, and topics that no point takes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("haystack_app", "0026_connectors"),
    ]

    operations = [
        migrations.CreateModel(
            name="MqttTopic",
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
                    "topic",
                    models.CharField(
                        help_text="such as bms/{equip}/{point}, bms/+/temp, or bms/{path#} for all levels below bms",
                        max_length=500,
                    ),
                ),
                (
                    "find",
                    models.CharField(
                        choices=[
                            ("id", "id"),
                            ("path", "path of names"),
                            ("tag", "tag"),
                            ("list", "no point: only list the topics"),
                        ],
                        default="id",
                        max_length=10,
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        blank=True,
                        help_text="such as {equip}-{point} for an id, {site}/{equip}/{point} for a path, mqttTopic for a tag that is the topic; {$.device} is a text in the payload",
                        max_length=500,
                    ),
                ),
                (
                    "value",
                    models.CharField(
                        blank=True,
                        help_text="path of the value in JSON, such as $.value, or $.{point} for all keys; empty if the payload is the value",
                        max_length=200,
                    ),
                ),
                (
                    "time",
                    models.CharField(
                        blank=True,
                        help_text="path of the time, such as $.ts; empty: the time of arrival",
                        max_length=200,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        help_text="path of the status, such as $.status",
                        max_length=200,
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        blank=True,
                        help_text="unit of the numbers, or its path; they are converted to that of the point",
                        max_length=200,
                    ),
                ),
                (
                    "retained",
                    models.CharField(
                        choices=[
                            ("current", "current value only"),
                            ("store", "also a sample, if it has a time of its own"),
                            ("ignore", "ignored"),
                        ],
                        default="current",
                        help_text="what a message is that the broker kept from before",
                        max_length=10,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mqtt_topics",
                        to="haystack_app.connector",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_mqtt_topics",
                "ordering": ["connector", "id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="MqttWrite",
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
                        default="point and writable",
                        help_text="such as writable and mqttTopic",
                    ),
                ),
                (
                    "topic",
                    models.CharField(
                        help_text="such as bms/{equip}/{point}/set; names are id, point, equip, site, and tags of the point",
                        max_length=500,
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        choices=[("plain", "plain"), ("json", "JSON")],
                        default="plain",
                        help_text="a released point has an empty payload, or the value null",
                        max_length=10,
                    ),
                ),
                (
                    "retain",
                    models.BooleanField(
                        default=True,
                        help_text="the broker keeps the last value for later subscribers",
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mqtt_writes",
                        to="haystack_app.connector",
                    ),
                ),
            ],
            options={
                "db_table": "haystack_mqtt_writes",
                "ordering": ["connector", "id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="MqttUnknownTopic",
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
                ("topic", models.TextField()),
                ("wanted", models.TextField(blank=True)),
                ("reason", models.TextField()),
                ("messages", models.BigIntegerField(default=0)),
                ("last_payload", models.CharField(max_length=200)),
                ("last_value", models.CharField(max_length=200)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mqtt_unknown_topics",
                        to="haystack_app.connector",
                    ),
                ),
            ],
            options={
                "verbose_name": "unknown MQTT topic",
                "db_table": "haystack_mqtt_unknown_topics",
                "ordering": ["connector", "topic"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connector", "topic", "wanted"),
                        name="haystack_mqtt_unknown_topics_topic",
                    )
                ],
            },
        ),
    ]
