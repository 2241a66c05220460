"""Lets the job that delivers webhooks run while there are webhooks."""

from __future__ import annotations

from ..jobs.standing import StandingJob, StandingStarter
from .dispatcher import deliver_webhooks, enabled

__all__ = ["WEBHOOKS", "ensure_job", "start"]


def _is_wanted(shared: bool) -> bool:
    return bool(enabled(shared=shared))


WEBHOOKS = StandingJob("webhooks", deliver_webhooks, _is_wanted)


def ensure_job(*, shared: bool) -> bool:
    """Enqueue the job if webhooks need it and it does not run. Whether it was."""
    return WEBHOOKS.ensure(shared=shared)


def start() -> StandingStarter:
    """Start what looks for webhooks in this server process."""
    starter = StandingStarter(WEBHOOKS)
    starter.start()
    return starter
