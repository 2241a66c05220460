"""All tables but ``entities`` and ``history`` get the prefix ``haystack_``.

Names of indexes, constraints and sequences follow. On PostgreSQL nothing is copied or
built; SQLite cannot rename an index, so it builds the renamed ones.
"""

from django.db import migrations, models

from ._operations import RenameTable


class Migration(migrations.Migration):
    dependencies = [("haystack_app", "0012_tasks")]
    operations = [
        migrations.RenameField("Watch", "holder", "subscriber"),
        RenameTable("AuditEntry", "haystack_audit"),
        RenameTable("Change", "haystack_changes"),
        RenameTable("DefLibrary", "haystack_def_libraries"),
        RenameTable("EntityRef", "haystack_entity_ref"),
        RenameTable("GroupScope", "haystack_group_scopes"),
        RenameTable("Handshake", "haystack_handshakes"),
        RenameTable("PriorityLevel", "haystack_priority_levels"),
        RenameTable("PrunedChanges", "haystack_pruned_changes"),
        RenameTable("TagSet", "haystack_tag_sets"),
        RenameTable("Task", "haystack_tasks"),
        RenameTable("Token", "haystack_tokens"),
        RenameTable("Watch", "haystack_watches"),
        RenameTable("WatchItem", "haystack_watch_items"),
        migrations.RenameIndex(
            "AuditEntry",
            old_name="audit_event_at",
            new_name="haystack_audit_event_at",
        ),
        migrations.RenameIndex(
            "AuditEntry",
            old_name="audit_event_id",
            new_name="haystack_audit_event_id",
        ),
        migrations.RenameIndex(
            "Change",
            old_name="changes_entity",
            new_name="haystack_changes_entity",
        ),
        migrations.RenameIndex(
            "Change",
            old_name="changes_at",
            new_name="haystack_changes_at",
        ),
        migrations.RenameIndex(
            "EntityRef",
            old_name="entity_ref_dst",
            new_name="haystack_entity_ref_dst",
        ),
        migrations.RenameIndex(
            "PriorityLevel",
            old_name="priority_levels_expires",
            new_name="haystack_priority_expires",
        ),
        migrations.RenameIndex(
            "WatchItem",
            old_name="watch_items_entity",
            new_name="haystack_watch_items_entity",
        ),
        migrations.RemoveConstraint("Token", "tokens_user_name"),
        migrations.AddConstraint(
            "Token",
            models.UniqueConstraint(
                condition=models.Q(("name", ""), _negated=True),
                fields=("user", "name"),
                name="haystack_tokens_user_name",
            ),
        ),
    ]
