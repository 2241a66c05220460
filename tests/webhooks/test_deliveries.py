"""Attempts: signatures, retries, order, giving up, disabling, sending again."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.utils import timezone

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import Webhook, WebhookDelivery
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.handler import storages
from haystack_app.webhooks import deliveries, signatures
from haystack_app.webhooks.events import trial
from haystack_app.webhooks.outbox import add
from haystack_app.webhooks.view import CannotSee, view_of
from tests.storage.building import entity
from tests.webhooks import receiver as servers
from tests.webhooks.conftest import collect, deliver, owner, send_due
from tests.webhooks.receiver import Received, Receiver

pytestmark = pytest.mark.django_db
Status = WebhookDelivery.Status
START = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def waiting(webhook: Webhook, count: int = 1) -> list[WebhookDelivery]:
    """Deliveries of one event each, in their order."""
    now = timezone.now()
    return [add(webhook, [trial(now)], now)[0] for _ in range(count)]


def verified(secret: str, received: Received) -> int:
    """The time of a signature. Raises AssertionError if none of its codes is right."""
    header = received.headers["X-Haystack-Signature"]
    (_, seconds), *codes = (part.split("=") for part in header.split(","))
    signed = seconds.encode() + b"." + received.body
    right = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert ["v1", right] in codes
    return int(seconds)


def test_signatures(
    receiver: Receiver, hook: Any, settings: Any, clock: time_machine.Traveller
) -> None:
    webhook = hook()
    secret = signatures.secret_of(webhook)
    assert secret.startswith("whsec_") and len(secret) == 49
    waiting(webhook)
    send_due()
    assert verified(secret, receiver.last) == int(START.timestamp())
    with pytest.raises(AssertionError):
        verified(signatures.new_secret(webhook), receiver.last)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one"
    waiting(webhook)
    send_due()
    for held in (secret, signatures.secret_of(Webhook.objects.get())):
        verified(held, receiver.last)
    stored = Webhook.objects.values().get()
    assert secret not in str(stored)


def test_retries_until_it_is_given_up(
    receiver: Receiver, hook: Any, clock: time_machine.Traveller
) -> None:
    receiver.behaviours = [servers.answer(500, b"broken")]
    webhook = hook()
    [delivery] = waiting(webhook)
    now = START
    for pause in (0, *deliveries.PAUSES):
        count = len(receiver.received)
        if pause:
            clock.move_to(now + dt.timedelta(seconds=pause - 1))
            assert send_due() == []
        now += dt.timedelta(seconds=pause)
        clock.move_to(now)
        assert [one.error for one in send_due()] == ["answered 500"]
        assert len(receiver.received) == count + 1
    clock.shift(dt.timedelta(days=1))
    assert send_due() == []
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (Status.FAILED, 7)
    assert (delivery.answer_status, delivery.answer) == (500, "broken")
    assert delivery.error == "answered 500" and delivery.last_at == now
    ids = {one.headers["X-Haystack-Delivery"] for one in receiver.received}
    assert ids == {str(delivery.uuid)}
    seconds = {
        verified(signatures.secret_of(webhook), one) for one in receiver.received
    }
    assert len(seconds) == 7  # each attempt is signed anew


def test_a_failure_keeps_the_order(
    receiver: Receiver, hook: Any, clock: time_machine.Traveller
) -> None:
    receiver.behaviours = [servers.answer(503), servers.answer(200)]
    first, second = waiting(hook(), 2)
    assert [one.status for one in send_due()] == [503]
    clock.shift(11)
    assert [one.status for one in send_due()] == [200, 200]
    sent = [one.json["id"] for one in receiver.received]
    assert sent == [str(first.uuid), str(first.uuid), str(second.uuid)]


def test_what_is_refused_does_not_stop_the_others(
    receiver: Receiver, hook: Any, clock: time_machine.Traveller
) -> None:
    receiver.behaviours = [servers.answer(422), servers.answer(200)]
    first, second = waiting(hook(), 2)
    assert [one.status for one in send_due()] == [422, 200]
    clock.shift(11)
    assert [one.status for one in send_due()] == [200]
    sent = [one.json["id"] for one in receiver.received]
    assert sent == [str(first.uuid), str(second.uuid), str(first.uuid)]


def test_a_crash_after_sending_sends_the_same_again(
    receiver: Receiver, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    [delivery] = waiting(hook())

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "record", die)
        with pytest.raises(KeyboardInterrupt):
            deliveries.attempt(delivery)
    assert [one.status for one in send_due()] == [200]
    first, second = receiver.received
    assert first.headers["X-Haystack-Delivery"] == second.headers["X-Haystack-Delivery"]
    assert first.body == second.body
    assert send_due() == []


def test_an_answer_counts_once(receiver: Receiver, hook: Any) -> None:
    """Of two processes that sent the same, the first one stores its answer."""
    [delivery] = waiting(hook())
    same = WebhookDelivery.objects.get()
    deliveries.attempt(delivery)
    receiver.behaviours = [servers.answer(500)]
    deliveries.attempt(same)
    same.refresh_from_db()
    assert (same.status, same.attempts) == (Status.DELIVERED, 1)
    assert Webhook.objects.get().failing_since is None


def test_after_days_of_failures_it_is_disabled(
    receiver: Receiver, hook: Any, clock: time_machine.Traveller, settings: Any
) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "WEBHOOK_FAILING_DAYS": 2}
    receiver.behaviours = [servers.answer(500)]
    webhook = hook()
    waiting(webhook, 9)
    for _ in range(60):
        send_due()
        clock.shift(dt.timedelta(hours=1))
    webhook.refresh_from_db()
    assert not webhook.enabled
    assert webhook.note.startswith("Disabled on 2026-12-02 ")
    assert webhook.note.endswith("nothing could be delivered for 2 days: answered 500")
    assert send_due() == []
    receiver.behaviours = [servers.answer(200)]
    Webhook.objects.update(enabled=True)
    deliveries.retry_now(webhook)
    assert {one.status for one in send_due()} == {200}
    webhook.refresh_from_db()
    assert (webhook.failing_since, webhook.note) == (None, "")


def test_a_success_ends_the_failing(
    receiver: Receiver, hook: Any, clock: time_machine.Traveller
) -> None:
    receiver.behaviours = [servers.hang_up, servers.answer(200)]
    webhook = hook()
    waiting(webhook)
    send_due()
    webhook.refresh_from_db()
    assert webhook.failing_since == START
    clock.shift(10)
    send_due()
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_sent_again(receiver: Receiver, hook: Any) -> None:
    [delivery] = waiting(hook())
    send_due()
    delivery.refresh_from_db()
    assert deliveries.resend(delivery)
    send_due()
    first, second = receiver.received
    assert first.json["id"] == second.json["id"]
    WebhookDelivery.objects.update(events=[])
    assert not deliveries.resend(WebhookDelivery.objects.get())


def test_skipped(receiver: Receiver, hook: Any) -> None:
    webhook = hook()
    waiting(webhook, 3)
    storages["default"].load_entities([entity("a")])
    assert deliveries.skip(webhook) == 3
    assert deliver(webhook) == []
    storages["default"].load_entities([entity("b")])
    deliver(webhook)
    assert [event["entityId"] for event in receiver.last.json["events"]] == ["b"]


def test_old_deliveries_are_deleted(
    receiver: Receiver, hook: Any, clock: time_machine.Traveller
) -> None:
    webhook = hook()
    waiting(webhook)
    send_due()
    clock.shift(dt.timedelta(days=20))
    waiting(webhook, 2)
    clock.shift(dt.timedelta(days=11))
    assert deliveries.prune(timezone.now()) == 1
    clock.shift(dt.timedelta(days=300))
    assert deliveries.prune(timezone.now()) == 0  # they still wait
    assert WebhookDelivery.objects.count() == 2


def test_a_test_event(receiver: Receiver, hook: Any) -> None:
    receiver.behaviours = [servers.answer(500), servers.answer(200)]
    webhook = hook()
    assert deliveries.send_test(webhook).error == "answered 500"
    assert send_due() == []  # it is not tried again
    assert deliveries.send_test(webhook).status == 200
    assert receiver.last.kinds == ["test"]
    Webhook.objects.update(filter="site and")
    with pytest.raises(CannotSee, match="not a Haystack filter"):
        deliveries.send_test(Webhook.objects.select_related("owner").get())


# -- rights -------------------------------------------------------------------


def test_what_the_owner_may_not_see_is_not_sent(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    store = storage
    store.load_entities([entity("north", site=MARKER), entity("south", site=MARKER)])
    webhook = hook(owner("ann", "id == @north or siteRef == @north"))
    collect(webhook)
    for site in ("north", "south"):
        store.load_entities([entity(f"{site}.p", point=MARKER, siteRef=Ref(site))])
    deliver(webhook)
    assert _sent(receiver) == ["north.p"]
    store.commit([], remove=["south.p", "south"])
    store.commit([], remove=["north.p", "north"])
    deliver(webhook)
    assert sorted(_sent(receiver)) == ["north", "north.p", "north.p"]


def test_a_scope_that_narrows_counts_for_what_waits(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    store = storage
    user = owner("ann", "site")
    webhook = hook(user)
    collect(webhook)
    receiver.behaviours = [servers.answer(500), servers.answer(200)]
    store.load_entities([entity("a", site=MARKER), entity("b", site=MARKER)])
    store.commit([], remove=["b"])
    deliver(webhook)
    assert _sent(receiver) == ["a", "b"]
    group = user.groups.get()
    group.haystack_scope.filter = "id == @a"
    group.haystack_scope.save()
    WebhookDelivery.objects.update(next_at=timezone.now())
    send_due()
    assert receiver.last.json["id"] == receiver.received[0].json["id"]
    assert [event["entityId"] for event in receiver.last.json["events"]] == ["a"]
    WebhookDelivery.objects.update(status=Status.WAITING)
    group.haystack_scope.filter = "id == @c"
    group.haystack_scope.save()
    count = len(receiver.received)
    assert send_due() == [] and len(receiver.received) == count
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.events) == (Status.WITHDRAWN, [])
    assert not deliveries.resend(delivery)


def test_removed_entities_whose_site_went_before(receiver: Receiver, hook: Any) -> None:
    """What the path of the scope led to is not known any more."""
    store = storages["default"]
    store.load_entities(
        [
            entity("hq", site=MARKER, secret=MARKER),
            entity("p", point=MARKER, siteRef=Ref("hq")),
        ]
    )
    webhook = hook(owner("ann", "point and not siteRef->secret"), on_removed=True)
    store.commit([], remove=["hq"])
    deliver(webhook)
    store.commit([], remove=["p"])
    deliver(webhook)
    assert not receiver.received


def test_values_and_writes_of_hidden_points_are_not_sent(
    receiver: Receiver, hook: Any
) -> None:
    store = storages["default"]
    tags = {"point": MARKER, "cur": MARKER, "writable": MARKER, "kind": "Number"}
    store.load_entities([entity("a", **tags), entity("b", **tags)])
    webhook = hook(
        owner("ann", "id == @a"),
        on_override=True,
        limit_op=">",
        limit="5",
        filter="point",
    )
    deliver(webhook)
    for id in ("a", "b"):
        store.cur_write({id: Current(Number(9))})
        store.point_write(id, 8, Number(1), "Joe")
    deliver(webhook)
    assert _sent(receiver) == ["a", "a"]


@pytest.mark.parametrize("change", ["disabled", "no right"])
def test_owners_that_may_see_nothing(
    change: str, receiver: Receiver, hook: Any
) -> None:
    webhook = hook()
    user = webhook.owner
    if change == "disabled":
        user.is_active = False
        user.save()
    else:
        user.user_permissions.remove(Permission.objects.get(codename="view_entity"))
    webhook = Webhook.objects.select_related("owner").get()
    with pytest.raises(CannotSee, match=r"disabled|permission 'view_entity'"):
        view_of(webhook)


def _sent(receiver: Receiver) -> list[str]:
    return [
        event["entityId"] for one in receiver.received for event in one.json["events"]
    ]
