"""The names of all tables, for models and for SQL in text.

``entities`` and ``history`` are called as in haystack-py, so that what asks them by
SQL goes on; all others have a prefix, for the database may have tables of other
apps. Names of indexes, constraints and triggers begin with that of their table.
Migrations do not use this module: they name what a table was called at their time.
"""

from __future__ import annotations

__all__ = [
    "AUDIT",
    "CHANGES",
    "DEF_LIBRARIES",
    "ENTITIES",
    "ENTITY_REF",
    "GROUP_SCOPES",
    "HANDSHAKES",
    "HISTORY",
    "JOBS",
    "JOB_BODIES",
    "JOB_SCHEDULES",
    "POINT_WRITES",
    "PRIORITY_LEVELS",
    "PRUNED_CHANGES",
    "TAG_SETS",
    "TASKS",
    "TOKENS",
    "WATCHES",
    "WATCH_ITEMS",
]

ENTITIES = "entities"
HISTORY = "history"

AUDIT = "haystack_audit"
CHANGES = "haystack_changes"
DEF_LIBRARIES = "haystack_def_libraries"
ENTITY_REF = "haystack_entity_ref"
GROUP_SCOPES = "haystack_group_scopes"
HANDSHAKES = "haystack_handshakes"
JOBS = "haystack_jobs"
JOB_BODIES = "haystack_job_bodies"
JOB_SCHEDULES = "haystack_job_schedules"
POINT_WRITES = "haystack_point_writes"
PRIORITY_LEVELS = "haystack_priority_levels"
PRUNED_CHANGES = "haystack_pruned_changes"
TAG_SETS = "haystack_tag_sets"
TASKS = "haystack_tasks"
TOKENS = "haystack_tokens"
WATCHES = "haystack_watches"
WATCH_ITEMS = "haystack_watch_items"
