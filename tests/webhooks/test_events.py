"""What is sent when something happens, on each kind of store."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from haystack_app.kinds import MARKER, Number
from haystack_app.models import Webhook, WebhookCrossing, WebhookDelivery
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.handler import storages
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.signals import connector_status_changed, send
from haystack_app.webhooks import limits, outbox
from haystack_app.webhooks.view import view_of
from tests.storage.building import at, entity, numbers, point
from tests.webhooks.conftest import collect, deliver, owner, send_due
from tests.webhooks.receiver import Receiver

NOW = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)


def events(receiver: Receiver) -> list[dict[str, Any]]:
    """Of all deliveries so far, in the order of their arrival."""
    return [event for one in receiver.received for event in one.json["events"]]


def seen(receiver: Receiver) -> list[tuple[str, str]]:
    return [(event["kind"], event["entityId"]) for event in events(receiver)]


def sensor(id: str = "p", **tags: Any) -> dict[str, Any]:
    return point(id, cur=MARKER, unit="°C", **tags)


def set_value(store: StorageAdapter, val: float | None, id: str = "p") -> None:
    number = None if val is None else Number(val, "°C")
    store.cur_write({id: Current(number, "ok" if number else "down")})


# -- entities -----------------------------------------------------------------


def test_changes_of_entities(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    storage.load_entities([entity("old", site=MARKER)])
    webhook = hook(filter="site or equip")
    collect(webhook)
    storage.load_entities(
        [
            entity("hq", site=MARKER, dis="HQ", area=Number(5, "m²")),
            entity("p", point=MARKER),
        ],
        who="joe",
    )
    assert [one.status for one in deliver(webhook)] == [200]
    [created] = events(receiver)
    assert (created["kind"], created["entityId"]) == ("created", "hq")
    assert created["by"] == "joe" and created["time"].endswith("Z")
    assert created["entity"]["dis"] == "HQ"
    assert created["entity"]["id"] == {"_kind": "ref", "val": "hq"}
    assert created["entity"]["area"] == {"_kind": "number", "val": 5, "unit": "m²"}
    body = receiver.last.json
    assert (body["webhook"], body["storage"]) == ("hook", "default")
    assert body["id"] == receiver.last.headers["X-Haystack-Delivery"]

    office = entity("hq", site=MARKER, dis="Head office", area=Number(5, "m²"))
    storage.load_entities([office])
    storage.commit([], remove=["hq", "p"])
    deliver(webhook)
    [_, *others] = events(receiver)
    assert [one["kind"] for one in others] == ["updated", "removed"]
    assert others[0]["tags"] == ["dis"]
    assert others[1]["entity"]["dis"] == "Head office" and "before" not in others[1]
    assert len({event["id"] for event in events(receiver)}) == 3
    assert deliver(webhook) == []


def test_a_new_webhook_begins_at_the_present(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    storage.load_entities([entity("before", site=MARKER)])
    webhook = hook()
    if isinstance(storage, InMemoryAdapter):  # it begins in the process that sends
        collect(webhook)
    storage.load_entities([entity("after", site=MARKER)])
    deliver(webhook)
    assert seen(receiver) == [("created", "after")]


def test_kinds_and_ids_only(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    webhook = hook(on_removed=True, with_tags=False)
    collect(webhook)
    storage.load_entities([entity("hq", site=MARKER)])
    storage.commit([], remove=["hq"])
    deliver(webhook)
    [event] = events(receiver)
    assert (event["kind"], event["entityId"]) == ("removed", "hq")
    assert "entity" not in event and "before" not in event


def test_many_changes_are_few_deliveries(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    webhook = hook()
    collect(webhook)
    storage.load_entities([entity(f"e{number:04}") for number in range(1_234)])
    deliver(webhook)
    sizes = [len(one.json["events"]) for one in receiver.received]
    assert max(sizes) == 100 and len(sizes) == 13
    assert [id for _, id in seen(receiver)] == [f"e{n:04}" for n in range(1_234)]


def test_large_events_are_sent_apart(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    storage.load_entities([entity(f"e{n}", doc="x" * 400_000) for n in range(5)])
    webhook = hook()
    collect(webhook)
    storage.commit([], remove=[f"e{n}" for n in range(5)])
    deliver(webhook)
    assert [len(one.json["events"]) for one in receiver.received] == [2, 2, 1]
    assert all("doc" in event["entity"] for event in events(receiver))


def test_large_entities_are_left_out(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    webhook = hook()
    collect(webhook)
    storage.load_entities([entity(f"e{n}", doc="x" * 200_000) for n in range(8)])
    deliver(webhook)
    found = events(receiver)
    assert [event.get("isCut", False) for event in found] == [False] * 5 + [True] * 3
    assert len(receiver.last.body) < 1_100_000


def test_changes_that_were_pruned_are_said_to_be_missed(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    webhook = hook()
    collect(webhook)
    storage.load_entities([entity("a"), entity("b")])
    storage.prune_changes(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    storage.load_entities([entity("c")])
    deliver(webhook)
    storage.load_entities([entity("d")])
    deliver(webhook)
    assert [event["kind"] for event in events(receiver)] == ["missed", "created"]
    assert events(receiver)[1]["entityId"] == "d"


def test_an_entity_that_went_before_it_was_sent(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    webhook = hook()
    collect(webhook)
    storage.load_entities([entity("hq", site=MARKER)])
    collect(webhook)
    storage.commit([], remove=["hq"])
    send_due()
    [event] = events(receiver)
    assert event["kind"] == "created" and "entity" not in event


# -- overrides ----------------------------------------------------------------


def test_overrides(storage: StorageAdapter, receiver: Receiver, hook: Any) -> None:
    storage.load_entities([point("w", writable=MARKER), point("x", writable=MARKER)])
    webhook = hook(on_override=True, filter="id == @w")
    collect(webhook)
    until = NOW + dt.timedelta(hours=1)
    storage.point_write("w", 8, Number(5), "Joe", until, user="joe", now=NOW)
    storage.point_write("x", 8, Number(5), "Joe", user="joe", now=NOW)
    storage.point_write("w", 10, Number(6), "Ann", user="ann", now=NOW)
    storage.point_write("w", 10, None, "Ann", user="ann", now=NOW)
    storage.release_due(until)
    deliver(webhook)
    found = events(receiver)
    assert [(one["action"], one["level"]) for one in found] == [
        ("set", 8),
        ("set", 10),
        ("release", 10),
        ("expire", 8),
    ]
    first = {name: found[0][name] for name in ("entityId", "val", "who", "user")}
    assert first == {"entityId": "w", "val": 5, "who": "Joe", "user": "joe"}
    assert found[0]["until"] == "2024-03-01T13:00:00+00:00"
    assert found[0]["time"] == "2024-03-01T12:00:00.000Z"
    assert found[2]["val"] is None
    assert found[0]["entity"]["writable"] == {"_kind": "marker"}
    assert len({one["id"] for one in found}) == 4


# -- limits -------------------------------------------------------------------


def test_a_limit_fires_when_it_is_crossed(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    storage.load_entities([sensor(), sensor("hot"), point("f", cur=MARKER, unit="°F")])
    set_value(storage, 99, "hot")  # beyond it already
    webhook = hook(limit_op=">", limit="80°C", hysteresis=2, filter="point")
    collect(webhook)
    steps = [(79, []), (81, ["above"]), (90, []), (79, []), (85, [])]
    steps += [(78, ["normal"]), (79, []), (80, []), (80.5, ["above"])]
    for val, states in steps:
        before = len(events(receiver))
        set_value(storage, val)
        storage.cur_write({"f": Current(Number(500, "°F"))})  # another unit
        deliver(webhook)
        new = events(receiver)[before:]
        assert [event["state"] for event in new] == states, val
        for event in new:
            assert event["entityId"] == "p" and event["kind"] == "limit"
            assert event["val"] == {"_kind": "number", "val": val, "unit": "°C"}
            assert event["limit"] == {"_kind": "number", "val": 80, "unit": "°C"}
            assert event["entity"]["curVal"] == event["val"]


def test_a_value_that_is_down_is_not_back(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    storage.load_entities([sensor()])
    webhook = hook(limit_op="<", limit="4°C", filter="point")
    for val in (5, 3, None, 2, None, 4):
        set_value(storage, val)
        deliver(webhook)
    assert [event["state"] for event in events(receiver)] == ["below", "normal"]


def test_the_newest_sample_and_another_limit(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    storage.load_entities([point()])
    webhook = hook(limit_op=">", limit="5", limit_tag="hisEndVal", filter="his")
    collect(webhook)
    storage.his_write("p", numbers(8, at("2024-03-01 12:00")))
    deliver(webhook)
    assert [event["val"] for event in events(receiver)] == [7]
    Webhook.objects.update(limit="6")  # beyond which it already is
    deliver(webhook)
    Webhook.objects.update(limit="10")
    deliver(webhook)
    storage.his_write("p", numbers(12, at("2024-03-01 12:00")))
    deliver(webhook)
    assert [event["val"] for event in events(receiver)] == [7, 11]


def test_points_that_go_are_forgotten(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    storage.load_entities([sensor("a"), sensor("b"), sensor("c")])
    webhook = hook(limit_op=">", limit="80°C", filter="unit")
    collect(webhook)
    for id in "abc":
        set_value(storage, 90, id)
    deliver(webhook)
    storage.commit([], remove=["a"])
    storage.load_entities([sensor("b", trash=MARKER)])
    deliver(webhook)
    assert len(events(receiver)) == 3
    rows = WebhookCrossing.objects.values_list("entity_id", flat=True)
    assert list(rows) == ["c"]


def test_many_crossings_are_read_in_parts(
    storage: StorageAdapter,
    receiver: Receiver,
    hook: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "_MOST", 3)
    storage.load_entities([sensor(f"p{n}") for n in range(7)])
    webhook = hook(limit_op=">", limit="80°C", filter="unit")
    collect(webhook)
    storage.cur_write({f"p{n}": Current(Number(90, "°C")) for n in range(7)})
    deliver(webhook)
    assert sorted(id for _, id in seen(receiver)) == [f"p{n}" for n in range(7)]


# -- several at once ----------------------------------------------------------


def test_the_position_and_the_deliveries_are_stored_together(
    storage: StorageAdapter,
    receiver: Receiver,
    hook: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that dies before the commit leaves everything to be read again."""
    webhook = hook()
    collect(webhook)
    storage.load_entities([entity("a")])

    def die(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "add", die)
        with pytest.raises(KeyboardInterrupt):
            collect(webhook)
    assert not WebhookDelivery.objects.exists()
    deliver(webhook)
    assert seen(receiver) == [("created", "a")]


def test_a_position_that_another_process_has_moved(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    webhook = hook()
    collect(webhook)
    stale = Webhook.objects.select_related("owner").get()
    storage.load_entities([entity("a")])
    collect(webhook)
    view = view_of(stale)
    ends = outbox.Ends.of(view.everything)
    assert outbox.collect(stale, view, ends, timezone.now()) == 0
    send_due()
    assert seen(receiver) == [("created", "a")]


def test_no_more_is_read_while_much_waits(
    storage: StorageAdapter,
    receiver: Receiver,
    hook: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "_WAITING", 2)
    webhook = hook()
    collect(webhook)
    for id in ("a", "b", "c"):
        storage.load_entities([entity(id)])
        view_id = WebhookDelivery.objects.count()
        if view_id < 2:
            assert collect(webhook) == 1
    assert WebhookDelivery.objects.count() == 2
    send_due()
    deliver(webhook)
    assert [id for _, id in seen(receiver)] == ["a", "b", "c"]


def test_another_storage_has_other_logs(
    storage: StorageAdapter, receiver: Receiver, hook: Any
) -> None:
    webhook = hook(on_created=True, limit_op=">", limit="80°C", filter="id")
    collect(webhook)
    memory = storages["memory"]
    memory.load_entities([entity("before")], replace=True)
    Webhook.objects.update(storage="memory")
    collect(webhook)
    memory.load_entities([entity("after")])
    deliver(webhook)
    memory.load_entities([], replace=True)
    assert seen(receiver) == [("created", "after")]


# -- connectors ---------------------------------------------------------------


class Plant:
    name, storage = "plant", "default"


@pytest.mark.django_db
def test_connectors(receiver: Receiver, hook: Any) -> None:
    root = owner("root")
    root.is_superuser = True
    root.save()
    hook(root, on_connector=True)
    hook(owner("ann"), on_connector=True)
    hook(owner("bob"), on_updated=True)
    for status, error in (("new", ""), ("unreachable", "no route"), ("ok", "")):
        send(connector_status_changed, connector=Plant(), status=status, error=error)
    send_due()
    down, up = events(receiver)
    assert (down["connector"], down["status"], down["error"]) == (
        *("plant", "unreachable", "no route"),
    )
    assert (down["isDown"], up["isDown"]) == (True, False)
    root.is_superuser = False
    root.save()
    send(connector_status_changed, connector=Plant(), status="tls", error="expired")
    assert WebhookDelivery.objects.count() == 2


@pytest.mark.django_db
def test_a_connector_that_flaps_does_not_fill_the_outbox(
    receiver: Receiver, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_MOST_WAITING", 3)
    root = owner("root")
    root.is_superuser = True
    root.save()
    hook(root, on_connector=True)
    for status in ("a", "b", "c", "d", "ok"):
        send(connector_status_changed, connector=Plant(), status=status, error="")
    rows = WebhookDelivery.objects.order_by("pk")
    assert [row.status for row in rows] == ["failed"] * 2 + ["waiting"] * 3
    assert rows[0].error == "more than 3 deliveries waited"
    assert rows[4].events[0]["status"] == "ok"
