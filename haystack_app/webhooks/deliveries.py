"""Attempts to send a delivery, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils import timezone

from .. import __version__
from ..conf import app_settings
from ..models import Webhook, WebhookDelivery
from . import outbox
from .events import trial
from .payload import body_of
from .sending import Answer, post
from .signatures import signature
from .view import CannotSee, View, view_of

__all__ = [
    "PAUSES",
    "Request",
    "attempt",
    "disable",
    "due",
    "prepare",
    "prune",
    "record",
    "resend",
    "retry_now",
    "send_test",
    "skip",
]

PAUSES = (10, 60, 300, 1_800, 7_200, 21_600)
"""Seconds between an attempt and the next one; after the last, it is given up."""
_BATCH = 1_000
Status = WebhookDelivery.Status


@dataclass(frozen=True, slots=True)
class Request:
    url: str
    body: bytes
    headers: dict[str, str]

    def send(self) -> Answer:
        return post(self.url, self.body, self.headers)


def due(now: dt.datetime) -> dict[int, int]:
    """The next delivery of each enabled webhook that has one to send, by their keys.

    The first that waits is next, and those after it wait for it, unless the receiver
    has refused it.
    """
    rows = WebhookDelivery.objects.waiting().filter(webhook__enabled=True)
    found: dict[int, int] = {}
    blocked: set[int] = set()
    columns = ("webhook_id", "pk", "next_at", "refused")
    for webhook, pk, next_at, refused in rows.order_by("pk").values_list(*columns):
        if webhook in found or webhook in blocked:
            continue
        if next_at <= now:
            found[webhook] = pk
        elif not refused:
            blocked.add(webhook)
    return found


def prepare(delivery: WebhookDelivery, view: View) -> Request | None:
    """The request for a delivery, as of now.

    None if the owner may not see any of it any more; then it is withdrawn.
    """
    body = body_of(delivery, view)
    if body is None:
        rows = WebhookDelivery.objects.waiting().filter(pk=delivery.pk)
        rows.update(status=Status.WITHDRAWN, last_at=timezone.now(), events=[])
        return None
    webhook = delivery.webhook
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"haystack-server/{__version__}",
        "X-Haystack-Delivery": str(delivery.uuid),
        "X-Haystack-Signature": signature(
            webhook, int(timezone.now().timestamp()), body
        ),
    }
    return Request(webhook.url, body, headers)


def record(delivery: WebhookDelivery, answer: Answer, now: dt.datetime) -> None:
    """Store what became of an attempt, unless another process has done so."""
    changes: dict[str, Any] = {
        "attempts": delivery.attempts + 1,
        "last_at": now,
        "answer_status": answer.status,
        "answer": answer.text,
        "error": answer.error[:500],
        "refused": answer.is_refusal,
    }
    if answer.is_success:
        changes["status"] = Status.DELIVERED
    elif delivery.attempts < len(PAUSES):
        seconds = PAUSES[delivery.attempts]
        changes["next_at"] = now + dt.timedelta(seconds=seconds)
    else:
        changes["status"] = Status.FAILED
    rows = WebhookDelivery.objects.waiting().filter(pk=delivery.pk)
    if rows.filter(attempts=delivery.attempts).update(**changes):
        _note_outcome(delivery.webhook, answer, now)


def _note_outcome(webhook: Webhook, answer: Answer, now: dt.datetime) -> None:
    rows = Webhook.objects.filter(pk=webhook.pk)
    if answer.is_success:
        rows.exclude(failing_since=None).update(failing_since=None)
        return
    rows.filter(failing_since=None).update(failing_since=now)
    days = app_settings.WEBHOOK_FAILING_DAYS
    limit = now - dt.timedelta(days=days)
    if rows.filter(enabled=True, failing_since__lte=limit).exists():
        text = f"nothing could be delivered for {days:g} days: {answer.error}"
        disable(webhook, text)


def disable(webhook: Webhook, text: str) -> None:
    """Disable a webhook, with a note that says why."""
    note = f"Disabled on {timezone.now():%Y-%m-%d %H:%M} UTC: {text}"
    Webhook.objects.filter(pk=webhook.pk).update(enabled=False, note=note)


def attempt(delivery: WebhookDelivery) -> Answer:
    """Send a delivery now, in this thread. Raises CannotSee."""
    request = prepare(delivery, view_of(delivery.webhook))
    if request is None:
        raise CannotSee("the owner may not see any of these events any more")
    answer = request.send()
    record(delivery, answer, timezone.now())
    return answer


def send_test(webhook: Webhook) -> Answer:
    """Send an event of the kind ``test`` at once. Raises CannotSee.

    It is not tried again.
    """
    view_of(webhook)
    now = timezone.now()
    [delivery] = outbox.add(webhook, [trial(now)], now)
    delivery.attempts = len(PAUSES)
    delivery.save(update_fields=["attempts"])
    return attempt(delivery)


def resend(delivery: WebhookDelivery) -> bool:
    """Let a delivery be sent again, with the same id. False if its events are gone."""
    if not delivery.events:
        return False
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        status=Status.WAITING, attempts=0, refused=False, next_at=timezone.now()
    )
    return True


def retry_now(webhook: Webhook) -> None:
    """Try what waits at once, as after a change of the URL."""
    Webhook.objects.filter(pk=webhook.pk).update(note="", failing_since=None)
    waiting = webhook.deliveries.waiting().exclude(next_at=F("created"))
    waiting.update(next_at=timezone.now(), refused=False)


def skip(webhook: Webhook) -> int:
    """Give up what waits, and begin at the present. Returns how many waited."""
    count = webhook.deliveries.waiting().update(status=Status.FAILED, error="skipped")
    outbox.begin(webhook)
    return count


def prune(now: dt.datetime) -> int:
    """Delete a batch of deliveries that ended ``WEBHOOK_DAYS`` ago; how many."""
    if not (days := app_settings.WEBHOOK_DAYS):
        return 0
    ended = WebhookDelivery.objects.exclude(status=Status.WAITING)
    old = ended.filter(created__lt=now - dt.timedelta(days=days))
    keys = list(old.order_by("created").values_list("pk", flat=True)[:_BATCH])
    WebhookDelivery.objects.filter(pk__in=keys).delete()
    return len(keys)
