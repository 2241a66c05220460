"""Mails of alarms: collected for a while, sent together, and tried again.

What waits is in a table, so that neither a process that dies nor a mail server that is
down loses anything. A thread waits for the server; it uses no database.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import router, transaction
from django.db.models import F, Max, Min
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from ..conf import app_settings
from ..models import Alarm, AlarmMail, AlarmRule, AlarmTransition
from ..models.alarm_rule import addresses_of
from ..password_mail import NO_SERVER, can_send_mail
from .signals import alarms_changed
from .texts import line_of

__all__ = ["Mailer", "escalate", "queue"]

logger = logging.getLogger(__name__)

Kind = AlarmTransition.Kind
_TOLD = (Kind.RAISED, Kind.CLEARED, Kind.WITHDRAWN)
_LINES = 100
"""Of a mail; it says how many more there are."""
_ROWS = 1_000
_PAUSES = (60, 300, 900, 3_600)
"""Seconds before the next attempt."""
_ERROR = 300


@receiver(alarms_changed)
def queue(transitions: Sequence[AlarmTransition], using: str, **_: Any) -> None:
    """Have the addresses of rules told, with what else happens soon."""
    digest = dt.timedelta(seconds=app_settings.ALARM_DIGEST_SECONDS)
    rows = [
        AlarmMail(
            address=address,
            transition=one,
            created=one.recorded_at,
            next_at=one.recorded_at + digest,
        )
        for one in transitions
        if one.kind in _TOLD
        for address in addresses_of(one.alarm.rule.mail_to)
    ]
    AlarmMail.objects.using(using).bulk_create(rows, batch_size=_ROWS)


def escalate(now: dt.datetime) -> int:
    """Have others told of alarms that are not acknowledged in time; how many."""
    count = 0
    for rule in AlarmRule.objects.exclude(escalate_minutes=None):
        before = now - dt.timedelta(minutes=rule.escalate_minutes or 0)
        late = Alarm.objects.of_state(Alarm.State.RAISED).filter(
            rule=rule, recorded_at__lte=before, escalated_at=None
        )
        if alarms := list(late.values_list("pk", flat=True)[:_ROWS]):
            _escalate(alarms, addresses_of(rule.escalate_to), now)
            count += len(alarms)
    return count


def _escalate(alarms: list[int], addresses: Sequence[str], now: dt.datetime) -> None:
    raised = AlarmTransition.objects.filter(alarm__in=alarms, kind=Kind.RAISED)
    newest = raised.values("alarm").annotate(last=Max("pk")).order_by("alarm")
    rows = [
        AlarmMail(
            address=address,
            transition_id=key,
            escalated=True,
            created=now,
            next_at=now,
        )
        for key in newest.values_list("last", flat=True)
        for address in addresses
    ]
    with transaction.atomic(using=router.db_for_write(Alarm)):
        AlarmMail.objects.bulk_create(rows, batch_size=_ROWS)
        Alarm.objects.filter(pk__in=alarms).update(escalated_at=now)


class Mailer:
    """Sends what is due, one mail at a time."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, "haystack-alarm-mail")
        self.sending: tuple[Future[str], list[int]] | None = None

    def round(self, now: dt.datetime) -> None:
        self._record(now)
        if self.sending is None:
            escalate(now)
            self._send(now)

    def _send(self, now: dt.datetime) -> None:
        due = AlarmMail.objects.values("address").annotate(next=Min("next_at"))
        first = due.filter(next__lte=now).order_by("next").first()
        if first is None:
            return
        rows = list(
            AlarmMail.objects.filter(address=first["address"])
            .select_related("transition__alarm__rule")
            .order_by("pk")[:_ROWS]
        )
        message = message_of(first["address"], rows)
        keys = [row.pk for row in rows]
        self.sending = self.pool.submit(_sent, message), keys

    def _record(self, now: dt.datetime) -> None:
        if self.sending is None or not self.sending[0].done():
            return
        future, keys = self.sending
        self.sending = None
        rows = AlarmMail.objects.filter(pk__in=keys)
        if not (error := future.result()):
            rows.delete()
            return
        attempts = rows.order_by("pk").values_list("attempts", flat=True).first() or 0
        pause = _PAUSES[min(attempts, len(_PAUSES) - 1)]
        rows.update(
            attempts=F("attempts") + 1,
            error=error,
            next_at=now + dt.timedelta(seconds=pause),
        )

    def finish(self) -> None:
        """Wait for what is being sent, or it would be sent again."""
        if self.sending is not None:
            wait([self.sending[0]])
            self._record(timezone.now())
        self.pool.shutdown(wait=False)


def message_of(address: str, rows: Sequence[AlarmMail]) -> EmailMessage:
    """The mail with these lines."""
    counts = Counter(
        gettext("not acknowledged")
        if row.escalated
        else row.transition.get_kind_display()
        for row in rows
    )
    said = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    lines = [line_of(row.transition, escalated=row.escalated) for row in rows[:_LINES]]
    if more := len(rows) - len(lines):
        lines.append(
            ngettext("and %(count)s more", "and %(count)s more", more)
            % {"count": f"{more:,}"}
        )
    subject = gettext("[%(server)s] Alarms: %(counts)s") % {
        "server": app_settings.SERVER_NAME,
        "counts": said,
    }
    end = gettext("The page /alarms/ of the server has all of them.")
    body = "\n".join([*lines, "", end])
    return EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [address])


def _sent(message: EmailMessage) -> str:
    """Send a mail; the error, or an empty text."""
    if not can_send_mail():
        return NO_SERVER
    try:
        message.send()
    except Exception as error:  # of sockets, of SMTP, of other back ends
        logger.warning("mail of alarms: %s: %s", type(error).__name__, error)
        return f"{type(error).__name__}: {error}"[:_ERROR]
    return ""
