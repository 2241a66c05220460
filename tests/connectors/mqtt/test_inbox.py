"""The queue between the connection and the store."""

from __future__ import annotations

from threading import Event, Thread

from haystack_app.connectors.mqtt.inbox import Inbox
from haystack_app.connectors.mqtt.messages import Message
from tests.patience import PATIENCE, eventually


def message(qos: int = 1, payload: bytes = b"1", mid: int = 0) -> Message:
    return Message("a", payload, 0, mid=mid, qos=qos)


def test_a_batch_is_what_has_arrived() -> None:
    inbox, stopping = Inbox(10), Event()
    for mid in range(3):
        inbox.put(message(mid=mid), stopping)
    assert [one.mid for one in inbox.take(stopping)] == [0, 1, 2]
    assert inbox.take(stopping) == []


def test_messages_without_a_guarantee_are_dropped_when_it_is_full() -> None:
    inbox, stopping = Inbox(2), Event()
    for _ in range(5):
        inbox.put(message(qos=0), stopping)
    assert inbox.dropped == 3
    assert len(inbox.take(stopping)) == 2


def test_others_wait() -> None:
    inbox, stopping = Inbox(2), Event()
    thread = Thread(
        target=lambda: [inbox.put(message(), stopping) for _ in range(7)], daemon=True
    )
    thread.start()
    taken = 0
    while taken < 7:
        eventually(lambda: len(inbox))
        assert len(inbox) <= 2
        taken += len(inbox.take(stopping))
    thread.join(PATIENCE)
    stopping.set()
    for _ in range(3):
        inbox.put(message(), stopping)  # it ends


def test_bytes_are_bounded() -> None:
    inbox, stopping = Inbox(100, most_bytes=1_000), Event()

    def fill() -> None:
        for _ in range(20):
            inbox.put(message(payload=b"x" * 300), stopping)

    thread = Thread(target=fill, daemon=True)
    thread.start()
    eventually(lambda: len(inbox) == 4)
    taken = 0
    while taken < 20:
        batch = inbox.take(stopping)
        assert len(batch) <= 5
        taken += len(batch)
    thread.join(PATIENCE)
    assert len(inbox) == 0


def test_what_comes_again_is_dropped() -> None:
    inbox, stopping = Inbox(10), Event()
    inbox.put(message(qos=1), stopping)
    inbox.put(message(qos=0), stopping)
    inbox.drop_unacknowledged()
    assert [one.qos for one in inbox.take(stopping)] == [0]
