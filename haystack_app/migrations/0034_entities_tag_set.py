"""Entities are counted by their tags, which an index has; SQLite has it already.

It is made beside writers, and made anew if an attempt was broken off.
"""

from django.db import migrations

from ._operations import PostgresSql


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0033_imports")]
    atomic = False
    operations = [
        PostgresSql("DROP INDEX CONCURRENTLY IF EXISTS entities_tag_set", ""),
        PostgresSql(
            "CREATE INDEX CONCURRENTLY entities_tag_set ON entities (tag_set_id)",
            "DROP INDEX CONCURRENTLY IF EXISTS entities_tag_set",
        ),
    ]
