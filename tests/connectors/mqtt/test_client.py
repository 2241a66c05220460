"""Connections to a broker of the test's own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from haystack_app.connectors.mqtt import client as client_module
from haystack_app.connectors.mqtt.client import BrokerClient
from haystack_app.connectors.mqtt.decoder import Decoder, Unknown
from haystack_app.connectors.mqtt.inbox import Inbox
from haystack_app.connectors.mqtt.listener import Listener
from haystack_app.connectors.mqtt.resolver import Resolver
from haystack_app.connectors.mqtt.rules import Rule
from haystack_app.connectors.mqtt.settings import MQTT_3, BrokerSettings
from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.memory import InMemoryAdapter
from tests.connectors.mqtt.broker import Broker, missing
from tests.patience import eventually

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

RULE = Rule.of("b/{id}", "id", "{id}", value="$.v", time="$.t")
BEGIN = 1_700_000_000


class Work:
    """Never ends."""

    def check(self) -> None: ...

    def wait(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.05))


WORK = Work()
Connect = Callable[..., Listener]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    found = Broker(tmp_path)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A listener of a store in memory with the points ``p0`` to ``p9``."""
    clients: list[BrokerClient] = []

    def begin(port: int, *, rules: Any = (RULE,), **settings: Any) -> Listener:
        store = settings.pop("store", None) or points()
        inbox = Inbox(settings.get("receive_maximum", 1_000))
        to = BrokerSettings("127.0.0.1", "test", port, **settings)
        client = BrokerClient(to, [rule.topic.subscription for rule in rules], inbox)
        client.start()
        clients.append(client)
        decoder = Decoder(rules, Resolver(store))
        return Listener(client, inbox, decoder, store, "test")

    yield begin
    for client in clients:
        client.stop()
        client.join()


def points() -> InMemoryAdapter:
    store = InMemoryAdapter()
    tags = dict.fromkeys(("point", "his", "cur"), MARKER)
    tags |= {"kind": "Number", "tz": "UTC"}
    store.load_entities([{"id": Ref(f"p{n}"), **tags} for n in range(10)])
    return store


def publish(port: int, lines: list[str], topic: str = "b/p0", *words: str) -> None:
    command = ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, *words, "-l"]
    subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True)


def lines(start: int, end: int) -> list[str]:
    return [f'{{"v":{n},"t":{BEGIN + n}}}' for n in range(start, end)]


def values(store: Any, id: str = "p0") -> list[float]:
    return [row["val"].val for row in store.his_read(id)]


def until(listener: Listener, is_so: Callable[[], object]) -> None:
    def step() -> object:
        listener.step(WORK)
        return is_so()

    eventually(step)


def subscribed(listener: Listener) -> None:
    eventually(lambda: listener.client.is_subscribed, "subscribed")


@pytest.mark.parametrize("protocol", ["5.0", MQTT_3])
def test_messages_are_stored(broker: Broker, connect: Connect, protocol: str) -> None:
    """Also if the broker sends only 20 before the first is acknowledged."""
    listener = connect(broker.port, protocol=protocol)
    subscribed(listener)
    publish(broker.port, [*lines(0, 50), "garbage", *lines(50, 100)])
    until(listener, lambda: listener.counts.messages == 101)
    assert values(listener.store) == list(range(100))
    assert (listener.counts.stored, listener.counts.garbage) == (100, 1)
    assert "payload is not JSON" in listener.counts.error


def test_what_was_not_stored_comes_again(broker: Broker, connect: Connect) -> None:
    """And what was acknowledged does not."""
    first = connect(broker.port)
    subscribed(first)
    publish(broker.port, lines(0, 5))
    until(first, lambda: first.counts.messages == 5)
    publish(broker.port, lines(5, 10))
    eventually(lambda: len(first.inbox) == 5)
    first.client.stop()
    first.client.join()
    publish(broker.port, lines(10, 15))
    second = connect(broker.port)
    until(second, lambda: second.counts.messages == 10)
    assert values(second.store) == list(range(5, 15))


def test_a_store_that_is_down(
    broker: Broker, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is acknowledged, few messages are in memory, and it goes on by itself."""
    listener = connect(broker.port, receive_maximum=100)
    subscribed(listener)
    publish(broker.port, lines(300, 600))  # later the broker sends more than it may
    until(listener, lambda: listener.counts.messages == 300)
    attempts = []

    def down(*args: Any, **kwargs: Any) -> None:
        attempts.append(listener.problem)
        if len(attempts) < 5:
            raise OperationalError("the server is gone")
        monkeypatch.undo()
        listener.store.his_write_all(*args, **kwargs)

    monkeypatch.setattr(listener.store, "his_write_all", down)
    publish(broker.port, lines(0, 300))
    eventually(lambda: len(listener.inbox) == 100)
    time.sleep(0.3)
    assert len(listener.inbox) == 100
    until(listener, lambda: listener.counts.messages == 600)
    assert attempts[1].startswith("nothing is stored")
    assert listener.problem == ""
    assert values(listener.store) == list(range(600))


def test_a_broker_that_restarts(broker: Broker, connect: Connect) -> None:
    listener = connect(broker.port)
    subscribed(listener)
    publish(broker.port, lines(0, 5))
    until(listener, lambda: listener.counts.messages == 5)
    session = listener.client.session
    broker.stop()
    eventually(lambda: listener.client.problem, "the loss is noticed")
    broker.start()
    eventually(lambda: listener.client.session > session, "connected again")
    publish(broker.port, lines(5, 10))
    until(listener, lambda: len(values(listener.store)) == 10)
    assert listener.client.problem is None


def test_a_batch_that_was_stored_but_not_acknowledged(
    broker: Broker, connect: Connect
) -> None:
    """It comes again, and is not stored again: without a time it would be new."""
    listener = connect(broker.port, rules=(Rule.of("b/{id}", "id", "{id}"),))
    subscribed(listener)
    publish(broker.port, ["1", "2", "3"])
    eventually(lambda: len(listener.inbox) == 3)
    batch = listener.inbox.take(listener.client.stopping)
    session = listener.client.session
    cut(listener.client)
    eventually(lambda: listener.client.session > session, "connected again")
    listener._handle(batch, WORK)
    until(listener, lambda: listener.counts.repeated == 3)
    assert values(listener.store) == [1, 2, 3]
    publish(broker.port, ["1"])
    until(listener, lambda: len(values(listener.store)) == 4)


def test_two_clients_with_one_id(broker: Broker, connect: Connect) -> None:
    first = connect(broker.port)
    subscribed(first)
    second = connect(broker.port)
    subscribed(second)
    eventually(
        lambda: "does another client have the id test?" in str(first.client.problem)
    )


def cut(client: BrokerClient) -> None:
    """As if the network was gone for a moment."""
    connection: Any = client.client.socket()
    connection.shutdown(socket.SHUT_RDWR)


def test_wrong_password(tmp_path: Path, connect: Connect) -> None:
    file = tmp_path / "passwords"
    command = ["mosquitto_passwd", "-b", "-c", str(file), "alice", "secret"]
    subprocess.run(command, check=True, capture_output=True)
    file.chmod(0o644)
    broker = Broker(tmp_path, f"password_file {file}", anonymous=False)
    broker.start()
    try:
        wrong = connect(broker.port, username="alice", password="wrong")
        eventually(lambda: wrong.client.problem)
        assert "check the user name and the password" in str(wrong.client.problem)
        assert wrong.client.problem.status == "authentication"
        assert "wrong" not in str(wrong.client.problem)
        right = connect(broker.port, username="alice", password="secret")
        subscribed(right)
    finally:
        broker.stop()


def test_no_broker(connect: Connect) -> None:
    listener = connect(1)
    eventually(lambda: listener.client.problem)
    assert listener.client.problem.status == "unreachable"
    assert "127.0.0.1:1" in str(listener.client.problem)


@pytest.mark.parametrize("host", ["169.254.169.254", "0.0.0.0"])
def test_refused_addresses(host: str) -> None:
    settings = BrokerSettings(host, "test", 1883)
    client = BrokerClient(settings, [], Inbox(1))
    client.start()
    eventually(lambda: client.problem)
    assert client.problem and client.problem.status == "address"
    client.stop()
    client.join()


def test_a_server_that_says_nothing(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        listener = connect(mute.getsockname()[1])
        eventually(lambda: listener.client.problem)
        assert listener.client.problem.status == "timeout"


def test_unknown_topics_and_retained_messages(broker: Broker, connect: Connect) -> None:
    """Retained ones are sent to new subscriptions, not at each connection."""
    publish(broker.port, ['{"v":1,"t":1700000000}'], "b/p1", "-r")
    found: list[Unknown] = []
    rules = (RULE, Rule.of("new/#", "list"))
    listener = connect(broker.port, rules=rules)
    listener.unknown = found.extend
    subscribed(listener)
    publish(broker.port, ["21"], "new/device/7")
    publish(broker.port, lines(0, 1), "b/p77")
    until(listener, lambda: listener.counts.messages == 3)
    assert {one.topic for one in found} == {"new/device/7", "b/p77"}
    assert values(listener.store, "p1") == []
    assert listener.store.existing("p1")["curVal"].val == 1
    listener.client.stop()
    listener.client.join()
    again = connect(broker.port, rules=rules)
    subscribed(again)
    publish(broker.port, lines(0, 1))
    until(again, lambda: again.counts.messages)
    assert again.counts.messages == 1


class Authority:
    """Certificates of a CA of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ca = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        ca += ["-nodes", "-subj", "/CN=Test CA", "-days", "2"]
        self._openssl(*ca, "-keyout", "ca.key", "-out", "ca.crt")

    def sign(self, name: str) -> tuple[str, str]:
        """Certificate and key as PEM."""
        (self.folder / "ext").write_text("subjectAltName=IP:127.0.0.1")
        request = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        request += ["-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key"]
        self._openssl(*request, "-out", f"{name}.csr")
        sign = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt"]
        sign += ["-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
        self._openssl(*sign, "-extfile", "ext", "-out", f"{name}.crt")
        return self.text(f"{name}.crt"), self.text(f"{name}.key")

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def _openssl(self, *words: str) -> None:
        command = ["openssl", *words]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")
def test_tls(tmp_path: Path, connect: Connect) -> None:
    authority = Authority(tmp_path)
    authority.sign("server")
    for file in tmp_path.iterdir():
        file.chmod(0o644)
    broker = Broker(
        tmp_path,
        f"cafile {tmp_path}/ca.crt",
        f"certfile {tmp_path}/server.crt",
        f"keyfile {tmp_path}/server.key",
        "require_certificate true",
    )
    broker.start()
    certificate, key = authority.sign("client")
    ca = authority.text("ca.crt")
    try:
        unknown = connect(broker.port, tls=True)
        eventually(lambda: unknown.client.problem)
        assert unknown.client.problem.status == "tls"
        assert "is not trusted" in str(unknown.client.problem)
        plain = connect(broker.port)
        eventually(lambda: plain.client.problem)
        anonymous = connect(broker.port, tls=True, ca=ca)
        eventually(lambda: anonymous.client.problem)
        right = connect(broker.port, tls=True, ca=ca, certificate=certificate, key=key)
        subscribed(right)
    finally:
        broker.stop()
