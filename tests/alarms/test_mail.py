"""Mails are collected, escalated, and tried again; webhooks get events of alarms."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client

from haystack_app.alarms.acknowledgement import acknowledge
from haystack_app.alarms.evaluator import Evaluator
from haystack_app.alarms.mail import Mailer
from haystack_app.kinds import Ref
from haystack_app.models import Alarm, AlarmMail, Webhook, WebhookDelivery
from haystack_app.monitoring.status import status_of_server
from haystack_app.password_mail import NO_SERVER
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from tests.alarms.conftest import evaluate, minute, rule, write
from tests.api.conftest import logged_in
from tests.patience import eventually
from tests.webhooks.conftest import owner

HOSTILE = "<b>\r\nBcc: eve@example.org\n</b>"


@pytest.fixture
def store(db: None) -> OrmAdapter:
    """Mails do not depend on the kind of store."""
    return OrmAdapter(using="default")


@pytest.fixture
def mailer() -> Iterator[Mailer]:
    made = Mailer()
    yield made
    made.finish()


def send(mailer: Mailer, at: float) -> list[Any]:
    """What is sent until nothing is due any more."""
    before = len(mail.outbox)
    mailer.round(minute(at))
    while mailer.sending is not None:
        future = mailer.sending[0]
        eventually(future.done, "the mail is sent or has failed")
        mailer.round(minute(at))
    return mail.outbox[before:]


def raised(storage: StorageAdapter, **fields: Any) -> Evaluator:
    """An alarm at 1 that is found at 2."""
    rule(**fields)
    evaluator = Evaluator(storage)
    evaluate(evaluator, 0)
    write(storage, "t", (1, 27.0))
    evaluate(evaluator, 2)
    return evaluator


def test_a_digest(storage: StorageAdapter, mailer: Mailer) -> None:
    storage.update_entities([{"id": Ref("t"), "dis": HOSTILE}], force=True)
    evaluator = raised(storage, mail_to="a@example.org, b@example.org", text="open it")
    assert send(mailer, 2.5) == []
    write(storage, "t", (2.6, 20.0))
    evaluate(evaluator, 2.7)
    first, second = send(mailer, 3)
    assert sorted([*first.to, *second.to]) == ["a@example.org", "b@example.org"]
    assert first.subject == "[Haystack server] Alarms: 1 raised, 1 cleared"
    lines = first.body.splitlines()
    assert lines[0] == (
        "2026-11-02T10:01:00Z · warning · raised · too warm: <b> Bcc: eve@example.org"
        " </b> (@t) · 27°C · open it"
    )
    assert "cleared" in lines[1] and not lines[2]
    assert not AlarmMail.objects.exists()
    assert send(mailer, 60) == []


def test_a_long_one_is_cut(storage: StorageAdapter, mailer: Mailer) -> None:
    evaluator = raised(storage, mail_to="a@example.org")
    changes = [(3 + n, 20.0 if n % 2 == 0 else 27.0) for n in range(150)]
    write(storage, "t", *changes)
    evaluate(evaluator, 160)
    (sent,) = send(mailer, 170)
    assert "and 51 more" in sent.body


def test_escalation(storage: StorageAdapter, mailer: Mailer) -> None:
    raised(storage, escalate_minutes=10, escalate_to="chief@example.org")
    assert send(mailer, 11) == []
    (sent,) = send(mailer, 13)
    assert sent.to == ["chief@example.org"]
    assert "1 not acknowledged" in sent.subject
    assert "not acknowledged since it was raised" in sent.body
    assert send(mailer, 60) == []


def test_no_escalation_after_acknowledgement(
    storage: StorageAdapter, mailer: Mailer
) -> None:
    raised(storage, escalate_minutes=10, escalate_to="chief@example.org")
    acknowledge(Alarm.objects.get(), "ann", "", minute(5))
    assert send(mailer, 60) == []


def test_a_mail_server_that_is_down(
    storage: StorageAdapter, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise smtplib.SMTPServerDisconnected("please run connect() first")

    raised(storage, mail_to="a@example.org")
    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", fail)
        assert send(mailer, 4) == []
    waiting = AlarmMail.objects.get()
    assert (waiting.attempts, waiting.next_at) == (1, minute(5))
    assert "SMTPServerDisconnected" in waiting.error
    found = status_of_server()["alarms"]
    assert (found["mailsFailing"], found["mailError"]) == (1, waiting.error)
    client: Client = logged_in("boss", is_staff=True)
    page = client.get("/status/").content.decode()
    assert "1 lines could not be mailed, and are tried again" in page
    assert send(mailer, 4.5) == []
    (sent,) = send(mailer, 5.5)
    assert sent.to == ["a@example.org"]
    assert not AlarmMail.objects.exists()


def test_without_a_mail_server_they_wait(
    storage: StorageAdapter, mailer: Mailer, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    raised(storage, mail_to="a@example.org")
    assert send(mailer, 4) == []
    assert AlarmMail.objects.get().error == NO_SERVER


def test_webhooks(storage: StorageAdapter) -> None:
    """Of the points of their filter that their owners see."""
    seen, hidden = owner("ann"), owner("bob", "siteRef == @other")
    for user, text in ((seen, "point"), (hidden, "point")):
        webhook = Webhook(
            owner=user, name="h", url="https://example.com/", filter=text, on_alarm=True
        )
        webhook.full_clean(exclude=["owner"])
        webhook.save()
    other = Webhook.objects.create(
        owner=seen, name="no", url="https://example.com", filter="site", on_alarm=True
    )
    raised(storage, text="open it")
    acknowledge(Alarm.objects.select_related("rule").get(), "joe", "yes", minute(3))
    first, second = WebhookDelivery.objects.order_by("pk")
    assert first.webhook.owner == second.webhook.owner == seen
    assert not other.deliveries.exists()
    (event,) = first.events
    assert event["kind"] == "alarm"
    assert event["time"] == minute(1).isoformat(timespec="milliseconds")[:-6] + "Z"
    assert (event["entityId"], event["state"], event["rule"]) == (
        *("t", "raised", "too warm"),
    )
    assert event["val"] == {"_kind": "number", "val": 27, "unit": "°C"}
    (event,) = second.events
    assert (event["state"], event["who"], event["note"]) == (
        *("acknowledged", "joe", "yes"),
    )
