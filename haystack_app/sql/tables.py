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
    "FOLD_MARKS",
    "FOLD_PARTS",
    "FOLD_POINTS",
    "GROUP_SCOPES",
    "HANDSHAKES",
    "HISTORY",
    "HISTORY_POLICIES",
    "JOBS",
    "JOB_BODIES",
    "JOB_SCHEDULES",
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
]

ENTITIES = "entities"
HISTORY = "history"

AUDIT = "haystack_audit"
CHANGES = "haystack_changes"
DEF_LIBRARIES = "haystack_def_libraries"
ENTITY_REF = "haystack_entity_ref"
FOLD_MARKS = "haystack_fold_marks"
FOLD_PARTS = "haystack_fold_parts"
FOLD_POINTS = "haystack_fold_points"
GROUP_SCOPES = "haystack_group_scopes"
HANDSHAKES = "haystack_handshakes"
HISTORY_POLICIES = "haystack_history_policies"
JOBS = "haystack_jobs"
JOB_BODIES = "haystack_job_bodies"
JOB_SCHEDULES = "haystack_job_schedules"
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
