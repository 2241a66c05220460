"""What is written to the audit log.

Failures are whatever an attacker makes of them, so they may neither fill the disk
nor stop an answer: the same one within a minute is one entry, and only those among
the newest ``KEPT_FAILURES`` entries are kept. All other entries stay.
"""

from __future__ import annotations

import datetime as dt
import logging

from django.db import DatabaseError, connections, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from ..models import AuditEntry
from .addresses import address_of
from .current_request import actor, is_request

__all__ = [
    "KEPT_FAILURES",
    "note",
    "note_failed_login",
    "note_failure",
    "note_throttled",
]

logger = logging.getLogger("haystack_app.auth")

KEPT_FAILURES = 100_000
_MERGED = dt.timedelta(seconds=60)
_LONGEST = 1_000
_LONGEST_NAME = 100


def note(event: str, detail: str, using: str) -> None:
    """Something changed: in the transaction of the change, so that both happen."""
    if not is_request() and not _has_table(using):
        return
    who, address = actor()
    AuditEntry.objects.using(using).create(
        at=timezone.now(),
        event=event,
        who=who,
        address=address,
        detail=detail[:_LONGEST],
    )


def note_failure(event: str, who: str, address: str, why: str) -> None:
    """The same statements whoever it is about, so that their time tells nothing."""
    now = timezone.now()
    about = {"event": event, "who": who[:_LONGEST], "address": address, "detail": why}
    recent = AuditEntry.objects.filter(at__gt=now - _MERGED, **about)
    try:
        with transaction.atomic():
            if recent.update(times=F("times") + 1):
                return
            entry = AuditEntry.objects.create(at=now, **about)
            AuditEntry.objects.filter(
                event__in=AuditEntry.FAILURES, pk__lte=entry.pk - KEPT_FAILURES
            ).delete()
    except DatabaseError:  # a locked database: the answer matters more
        logger.warning("a failed log-in could not be noted in the audit log")


def note_failed_login(request: HttpRequest, username: str, why: str) -> None:
    """Nothing of the header but the name, which cannot break the line."""
    name, address = repr(username[:_LONGEST_NAME]), address_of(request)
    logger.warning("log-in of %s from %s: %s", name, address, why)
    note_failure(AuditEntry.LOG_IN_FAILED, name, address, why)


def note_throttled(request: HttpRequest, username: str) -> None:
    """Called for the first refusal of a minute only."""
    name, address = repr(username[:_LONGEST_NAME]), address_of(request)
    logger.warning("log-in of %s from %s: too many attempts", name, address)
    note_failure(AuditEntry.THROTTLED, name, address, "too many attempts")


def _has_table(using: str) -> bool:
    """``migrate`` makes groups and a user, perhaps at a state before this table."""
    names = connections[using].introspection.table_names()
    return AuditEntry._meta.db_table in names
