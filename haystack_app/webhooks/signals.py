"""Receivers: webhooks that are saved, connectors that fail, and alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import router, transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from ..alarms.signals import alarms_changed
from ..auth.caller import Caller
from ..models import AlarmTransition, Webhook
from ..storage.handler import storages
from ..storage.signals import connector_status_changed
from . import outbox
from .events import alarm as alarm_event
from .events import connector as connector_event
from .payload import MANAGE_CONNECTORS
from .starter import ensure_job
from .view import CannotSee, view_of

__all__ = ["add_alarm_events", "add_connector_event", "begin_webhook"]

_SILENT = "new"


@receiver(post_save, sender=Webhook)
def begin_webhook(instance: Webhook, created: bool, raw: bool, **_: Any) -> None:
    """A new webhook begins at the present, and has the job run."""
    if raw:
        return
    if created and instance.storage in storages:
        outbox.begin(instance)
    if instance.enabled:
        transaction.on_commit(
            lambda: ensure_job(shared=True),
            using=router.db_for_write(Webhook),
            robust=True,
        )


@receiver(connector_status_changed)
def add_connector_event(connector: Any, status: str, error: str = "", **_: Any) -> None:
    """Make deliveries for webhooks whose owners may manage connectors."""
    if str(status) == _SILENT:
        return
    now = timezone.now()
    event = connector_event(connector.name, str(status), error, now)
    rows = Webhook.objects.enabled().filter(
        on_connector=True, storage=connector.storage
    )
    for webhook in rows.select_related("owner"):
        if Caller(webhook.owner).has_permission(MANAGE_CONNECTORS):
            outbox.add(webhook, [event], now)
            outbox.give_up_oldest(webhook)


@receiver(alarms_changed)
def add_alarm_events(transitions: Sequence[AlarmTransition], **_: Any) -> None:
    """Make deliveries for webhooks, of alarms of the points that they are for.

    They are stored together with the transitions. Whether the owner may see a point is
    decided when they are sent, too.
    """
    by_storage: dict[str, list[AlarmTransition]] = {}
    for one in transitions:
        by_storage.setdefault(one.alarm.rule.storage, []).append(one)
    rows = Webhook.objects.enabled().filter(on_alarm=True, storage__in=by_storage)
    for webhook in rows.select_related("owner"):
        _add_alarms(webhook, by_storage[webhook.storage])


def _add_alarms(webhook: Webhook, transitions: Sequence[AlarmTransition]) -> None:
    try:
        view = view_of(webhook)
    except CannotSee:  # the delivery job disables it
        return
    ids = list({one.alarm.point_id for one in transitions})
    seen = view.seen.versions(view.filter, ids)
    found = [alarm_event(one) for one in transitions if one.alarm.point_id in seen]
    if found:
        outbox.add(webhook, found, timezone.now())
        outbox.give_up_oldest(webhook)
