"""Webhooks of the storage ``default``, which is each kind of store in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from haystack_app.models import GroupScope, Webhook, WebhookDelivery
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.webhooks import deliveries, outbox
from haystack_app.webhooks.outbox import Ends
from haystack_app.webhooks.sending import Answer
from haystack_app.webhooks.view import view_of
from tests.webhooks.receiver import Receiver

KINDS = dict.fromkeys(("on_created", "on_updated", "on_removed", "on_override"), True)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.HAYSTACK = {**settings.HAYSTACK, "WEBHOOKS_ALLOW_PRIVATE": ["127.0.0.0/8"]}
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def storage(
    store: StorageAdapter, receiver: Receiver, db: None, monkeypatch: pytest.MonkeyPatch
) -> StorageAdapter:
    """The ``store`` as the storage ``default``; webhooks are in the database."""
    monkeypatch.setitem(storages._adapters, "default", store)
    return store


def owner(name: str = "ann", scope: str = "") -> User:
    user = User.objects.create_user(name, password="x")
    user.user_permissions.add(Permission.objects.get(codename="view_entity"))
    if scope:
        group = Group.objects.create(name=f"tenant of {name}")
        GroupScope.objects.create(group=group, filter=scope)
        user.groups.add(group)
    return user


@pytest.fixture
def hook(receiver: Receiver) -> Callable[..., Webhook]:
    """Makes a webhook of a user, by default for all events of all entities."""

    def make(user: User | None = None, **fields: Any) -> Webhook:
        given = {"name": "hook", "url": receiver.url, "filter": "id"} | fields
        if not any(name.startswith(("on_", "limit")) for name in fields):
            given |= KINDS
        webhook = Webhook(owner=user or owner(), **given)
        webhook.clean()
        webhook.save()
        return webhook

    return make


def collect(webhook: Webhook) -> int:
    """Make deliveries of all that has happened."""
    total = 0
    while True:
        webhook = Webhook.objects.select_related("owner").get(pk=webhook.pk)
        view = view_of(webhook)
        ends = Ends.of(view.everything)
        before = webhook.position
        count = outbox.collect(webhook, view, ends, timezone.now())
        total += count
        webhook.refresh_from_db()
        # ids of the log that are missing may still come, so that there may be news
        if not count and webhook.position == before:
            return total


def send_due() -> list[Answer]:
    """Send what is due, a delivery of each webhook after the other."""
    answers = []
    while due := deliveries.due(timezone.now()):
        for pk in due.values():
            found = WebhookDelivery.objects.select_related("webhook__owner")
            delivery = found.get(pk=pk)
            view = view_of(delivery.webhook)
            request = deliveries.prepare(delivery, view)
            if request is not None:
                answers.append(request.send())
                deliveries.record(delivery, answers[-1], timezone.now())
    return answers


def deliver(webhook: Webhook) -> list[Answer]:
    collect(webhook)
    return send_due()
