"""Writes the audit log.

An attacker can cause any number of failures, which must neither fill the disk nor
prevent an answer: equal failures within a minute are one entry, and failures older
than the newest ``KEPT_FAILURES`` entries are deleted. Other entries are kept.
"""

from __future__ import annotations

import datetime as dt
import logging
from functools import partial

from django.db import DatabaseError, connections, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from ..models import AuditEntry
from .addresses import address_of
from .brief_writes import now_or_later
from .current_request import actor, is_request

__all__ = [
    "KEPT_FAILURES",
    "log_event",
    "log_failed_login",
    "log_failure",
    "log_throttled",
]

logger = logging.getLogger("haystack_app.auth")

KEPT_FAILURES = 100_000
_MERGE_INTERVAL = dt.timedelta(seconds=60)
_LONGEST = 1_000
_LONGEST_NAME = 100


def log_event(event: str, detail: str, using: str) -> AuditEntry | None:
    """Log a change, in the same transaction as the change itself.

    None if there is no table yet, before the first migration.
    """
    if not is_request() and not _has_table(using):
        return None
    who, address = actor()
    return AuditEntry.objects.using(using).create(
        at=timezone.now(),
        event=event,
        who=who,
        address=address,
        detail=detail[:_LONGEST],
    )


def log_failure(event: str, who: str, address: str, why: str) -> None:
    """Log a failure.

    The statements do not depend on the user, so their duration reveals nothing.
    """
    now = timezone.now()
    about = {"event": event, "who": who[:_LONGEST], "address": address, "detail": why}
    try:
        now_or_later(partial(_merge_failure, now, about))
    except DatabaseError:  # such as a full disk; the request must be answered
        logger.warning("could not write a failed login to the audit log")


def _merge_failure(now: dt.datetime, about: dict[str, str]) -> None:
    recent = AuditEntry.objects.filter(at__gt=now - _MERGE_INTERVAL, **about)
    with transaction.atomic():
        if recent.update(times=F("times") + 1):
            return
        entry = AuditEntry.objects.create(at=now, **about)
        AuditEntry.objects.filter(
            event__in=AuditEntry.FAILURES, pk__lte=entry.pk - KEPT_FAILURES
        ).delete()


def log_failed_login(request: HttpRequest, username: str, why: str) -> None:
    """Log the username, quoted so that it cannot break the line, and the reason."""
    name, address = repr(username[:_LONGEST_NAME]), address_of(request)
    logger.warning("login of %s from %s: %s", name, address, why)
    log_failure(AuditEntry.LOGIN_FAILED, name, address, why)


def log_throttled(request: HttpRequest, username: str) -> None:
    """Log a refused login. Call it once per minute, for the first refusal."""
    name, address = repr(username[:_LONGEST_NAME]), address_of(request)
    logger.warning("login of %s from %s: too many attempts", name, address)
    log_failure(AuditEntry.THROTTLED, name, address, "too many attempts")


def _has_table(using: str) -> bool:
    """``migrate`` creates groups and a user, possibly before this table."""
    names = connections[using].introspection.table_names()
    return AuditEntry._meta.db_table in names
