"""The nightly job that applies the policies of histories."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
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
    stop. The entry of the audit log has all samples that are gone, also then, and after
    kill -9.
    """
    audit = _Audit(f"of storage {store.alias!r} by {plan.policy.name!r}")
    for point, end, _ in plan.old:
        begin()
        store.his_drop(point, end, audit.add)
    return audit.dropped


@dataclass(slots=True)
class _Audit:
    """One entry, which each transaction that drops samples writes with them.

    The entry of a store in another database is written just before the drop commits.
    """

    about: str
    dropped: int = 0
    entry: AuditEntry | None = None

    def add(self, count: int) -> None:
        self.dropped += count
        text = f"{self.dropped:,} samples {self.about}"
        if self.entry is None:
            event = AuditEntry.SAMPLES_DROPPED
            self.entry = log_event(event, text, DEFAULT_DB_ALIAS)
        else:
            self.entry.detail = text
            self.entry.save(using=DEFAULT_DB_ALIAS, update_fields=["detail"])
