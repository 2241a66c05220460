"""The names of all tables, for models and for SQL in text.

``entities`` and ``history`` are called as in haystack-py, so that what asks them by
SQL goes on; all others have a prefix, for the database may have tables of other
apps. Names of indexes, constraints and triggers begin with that of their table.
Migrations do not use this module: they name what a table was called at their time.
"""

from __future__ import annotations

__all__ = [
    "ALARMS",
    "ALARM_MAILS",
    "ALARM_NEWS",
    "ALARM_PAIRS",
    "ALARM_PAUSES",
    "ALARM_RULES",
    "ALARM_TRANSITIONS",
    "AUDIT",
    "CHANGES",
    "CONNECTORS",
    "CONNECTOR_ENTITIES",
    "DASHBOARDS",
    "DASHBOARD_GROUPS",
    "DEF_LIBRARIES",
    "ENTITIES",
    "ENTITY_REF",
    "FOLD_MARKS",
    "FOLD_PARTS",
    "FOLD_POINTS",
    "GROUP_SCOPES",
    "HANDSHAKES",
    "HISTORY",
    "HISTORY_POLICIES",
    "HISTORY_TASKS",
    "IMPORTS",
    "IMPORT_MAPPINGS",
    "JOBS",
    "JOB_BODIES",
    "JOB_SCHEDULES",
    "MQTT_TOPICS",
    "MQTT_UNKNOWN_TOPICS",
    "MQTT_WRITES",
    "NAME_CHANGES",
    "POINT_WRITES",
    "POSTPONED_SAMPLES",
    "PRIORITY_LEVELS",
    "PRUNED_CHANGES",
    "SAMPLE_EDITS",
    "TAG_SETS",
    "TASKS",
    "TOKENS",
    "WATCHES",
    "WATCH_ITEMS",
    "WEBHOOKS",
    "WEBHOOK_CROSSINGS",
    "WEBHOOK_DELIVERIES",
]

ENTITIES = "entities"
HISTORY = "history"

ALARMS = "haystack_alarms"
ALARM_MAILS = "haystack_alarm_mails"
ALARM_NEWS = "haystack_alarm_news"
ALARM_PAIRS = "haystack_alarm_pairs"
ALARM_PAUSES = "haystack_alarm_pauses"
ALARM_RULES = "haystack_alarm_rules"
ALARM_TRANSITIONS = "haystack_alarm_transitions"
AUDIT = "haystack_audit"
CHANGES = "haystack_changes"
CONNECTORS = "haystack_connectors"
CONNECTOR_ENTITIES = "haystack_connector_entities"
DASHBOARDS = "haystack_dashboards"
DASHBOARD_GROUPS = "haystack_dashboard_groups"
DEF_LIBRARIES = "haystack_def_libraries"
ENTITY_REF = "haystack_entity_ref"
FOLD_MARKS = "haystack_fold_marks"
FOLD_PARTS = "haystack_fold_parts"
FOLD_POINTS = "haystack_fold_points"
GROUP_SCOPES = "haystack_group_scopes"
HANDSHAKES = "haystack_handshakes"
HISTORY_POLICIES = "haystack_history_policies"
HISTORY_TASKS = "haystack_history_tasks"
IMPORTS = "haystack_imports"
IMPORT_MAPPINGS = "haystack_import_mappings"
JOBS = "haystack_jobs"
JOB_BODIES = "haystack_job_bodies"
JOB_SCHEDULES = "haystack_job_schedules"
NAME_CHANGES = "haystack_name_changes"
MQTT_TOPICS = "haystack_mqtt_topics"
MQTT_UNKNOWN_TOPICS = "haystack_mqtt_unknown_topics"
MQTT_WRITES = "haystack_mqtt_writes"
POINT_WRITES = "haystack_point_writes"
POSTPONED_SAMPLES = "haystack_postponed_samples"
PRIORITY_LEVELS = "haystack_priority_levels"
PRUNED_CHANGES = "haystack_pruned_changes"
SAMPLE_EDITS = "haystack_sample_edits"
TAG_SETS = "haystack_tag_sets"
TASKS = "haystack_tasks"
TOKENS = "haystack_tokens"
WATCHES = "haystack_watches"
WATCH_ITEMS = "haystack_watch_items"
WEBHOOKS = "haystack_webhooks"
WEBHOOK_CROSSINGS = "haystack_webhook_crossings"
WEBHOOK_DELIVERIES = "haystack_webhook_deliveries"
