"""The nightly job that applies the policies of histories."""

from __future__ import annotations

import datetime as dt

from django.db import DEFAULT_DB_ALIAS

from ..auth.audit import log_event
from ..models import AuditEntry
from ..storage.base import StorageAdapter
from ..storage.handler import storages
from ..storage.retention import Plan, compress_before, plans
from .context import JobContext
from .tasks import task

__all__ = ["apply_policies", "log_dropped"]


@task(
    title="apply policies of histories",
    schedule="30 2 * * *",
    is_scheduled=False,
)
def apply_policies(context: JobContext) -> dict[str, int]:
    """Drop the samples that policies no longer keep, on each store that can.

    Returns the number of dropped samples by storage. A point is done at once, so a
    repeated job goes on with those that are left.
    """
    now = dt.datetime.now(dt.UTC)
    return {
        alias: _apply(context, storages[alias], now)
        for alias in storages
        if storages[alias].supports_policies
    }


def _apply(context: JobContext, store: StorageAdapter, now: dt.datetime) -> int:
    found = list(plans(store, now))
    total, done = sum(len(plan.old) for plan in found), 0
    dropped = 0
    for plan in found:
        count = 0
        for point, end, _ in plan.old:
            context.progress(done, total, f"{store.alias}: {plan.policy.name}")
            count += store.his_drop(point, end)
            done += 1
        log_dropped(store, plan, count)
        dropped += count
    if (before := compress_before(found, now)) is not None:
        context.progress(done, total, f"{store.alias}: compressing")
        store.his_compress(before, apply=True)
    return dropped


def log_dropped(store: StorageAdapter, plan: Plan, count: int) -> None:
    """Write to the audit log what a policy dropped, if anything."""
    if count:
        text = f"{count:,} samples of storage {store.alias!r} by {plan.policy.name!r}"
        log_event(AuditEntry.SAMPLES_DROPPED, text, DEFAULT_DB_ALIAS)
