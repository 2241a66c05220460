"""The log of writes to priority arrays, and the login that wrote a level."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("haystack_app", "0015_marked_rows"),
    ]

    operations = [
        migrations.AddField(
            model_name="prioritylevel",
            name="user",
            field=models.TextField(blank=True, help_text="the login that wrote it"),
        ),
        migrations.CreateModel(
            name="PointWrite",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("point_id", models.TextField()),
                (
                    "number",
                    models.SmallIntegerField(help_text="1 (emergency) to 17 (default)"),
                ),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("set", "set"),
                            ("release", "release"),
                            ("expire", "expire"),
                        ]
                    ),
                ),
                ("val", models.JSONField(null=True)),
                ("who", models.TextField(blank=True)),
                (
                    "user",
                    models.TextField(blank=True, help_text="the login that wrote it"),
                ),
                ("expires", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "haystack_point_writes",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["point_id", "-id"], name="haystack_point_writes_point"
                    ),
                    models.Index(fields=["at"], name="haystack_point_writes_at"),
                ],
            },
        ),
    ]
