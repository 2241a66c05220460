"""The nightly job that applies the policies of histories."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import count

from django.db import DEFAULT_DB_ALIAS

from ..auth.audit import log_event
from ..models import AuditEntry
from ..storage.base import StorageAdapter
from ..storage.handler import storages
from ..storage.retention import Plan, compress_before, plans
from .context import JobContext
from .tasks import task

__all__ = ["apply_policies", "drop"]


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
    total, done = sum(len(plan.old) for plan in found), count()
    dropped = before = 0
    for plan in found:
        context.progress(before, total, f"{store.alias}: {plan.policy.name}")
        dropped += drop(store, plan, lambda: context.progress(next(done)))
        before += len(plan.old)
    if (end := compress_before(found, now)) is not None:
        context.progress(total, total, f"{store.alias}: compressing")
        store.his_compress(end, apply=True)
    return dropped


def drop(store: StorageAdapter, plan: Plan, begin: Callable[[], object]) -> int:
    """Drop what a policy no longer keeps. Returns the number of samples.

    ``begin`` is called before the samples of each point go, and may raise an error to
    stop. What went until then is in the audit log, too.
    """
    dropped = 0
    try:
        for point, end, _ in plan.old:
            begin()
            dropped += store.his_drop(point, end)
    finally:
        if dropped:
            by = f"of storage {store.alias!r} by {plan.policy.name!r}"
            text = f"{dropped:,} samples {by}"
            log_event(AuditEntry.SAMPLES_DROPPED, text, DEFAULT_DB_ALIAS)
    return dropped
